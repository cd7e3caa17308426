/** Made-up answers: smooth curves with noise that shrinks as 1/sqrt(draws), so that refining looks like refining. */
import { random } from "./mock-race.mjs";

const cdf = (x) => 1 / (1 + Math.exp(-1.702 * x));

function distribution(mean, sd, cars) {
  const p = Array.from({ length: cars }, (_, i) => cdf((i + 1.5 - mean) / sd) - cdf((i + 0.5 - mean) / sd));
  const sum = p.reduce((a, b) => a + b, 0);
  const dnf = 0.035;
  return p.map((share, i) => (share / sum) * (1 - dnf) + (i >= cars - 3 ? dnf / 3 : 0));
}

const meanOf = (p) => p.reduce((sum, share, i) => sum + share * (i + 1), 0);

const POINTS = [25, 18, 15, 12, 10, 8, 6, 4, 2, 1];

/** What would change the call. */
function outlook(state, car, other) {
  const event = { rival: null, lap: car.lap + 1, compound: "hard", delta: 1.24, standard_error: 0.08, changes: true };
  const behind = state.cars.find((each) => each.position === car.position + 1)?.car ?? null;
  return {
    contingencies: [
      { ...event, event: "safety_car" },
      { ...event, event: "vsc", delta: 0.31 },
      { ...event, event: "rain", changes: false },
      { ...event, event: "rival_boxes", rival: behind, changes: false },
    ],
    break_evens: [
      { parameter: "pit_loss_s", now: 21.5, value: 26.4, low: 24.1, high: null, other, tried_low: 12.9, tried_high: 34.4 },
      { parameter: "wear", now: 1, value: 0.82, low: 0.71, high: 0.93, other, tried_low: 0.6, tried_high: 1.6 },
      { parameter: "caution_rate", now: 1, value: null, low: null, high: null, other, tried_low: 0.6, tried_high: 1.6 },
    ],
  };
}

export function decision(state, key, draws, round) {
  const car = state.cars.find((each) => each.car === key) ?? state.cars[0];
  const dice = random(7919 * car.position + 31 * state.lap);
  const noise = random(draws + round);
  const wobble = () => (noise() + noise() + noise() - 1.5) * 2;
  const ideal = Math.min(state.total_laps - 10, Math.max(car.lap + 2, 18 + Math.round(10 * dice())));
  const calls = [];
  for (let lap = car.lap + 1; lap <= state.total_laps - 1; lap += 1)
    for (const compound of ["soft", "medium", "hard"]) {
      const left = state.total_laps - lap;
      const ends = { soft: 14, medium: 26, hard: 60 }[compound];
      const worn = Math.max(0, left - ends) * 0.09;
      const slow = { soft: 0, medium: 0.25, hard: 0.55 }[compound];
      const late = lap > ideal ? 0.006 * (lap - ideal) ** 1.7 : 0.011 * (ideal - lap) ** 1.7;
      calls.push({ lap, compound, cost: late + worn + slow * Math.min(1, left / 30) });
    }
  if (car.stops > 0) calls.push({ lap: null, compound: null, cost: 0.2 + 0.05 * (state.total_laps - car.lap) });
  else calls.push({ lap: null, compound: null, cost: 7 });
  const least = Math.min(...calls.map((call) => call.cost));
  const noisy = calls.map((call) => {
    const alive = call.cost - least < 0.6;
    const n = alive ? draws : Math.min(draws, 64);
    const mean = Math.min(19, Math.max(1.3, car.position - 0.3 + (call.cost - least)));
    const p = distribution(mean + (wobble() * 0.9) / Math.sqrt(n), 1.5, state.cars.length);
    return { ...call, p, n };
  });
  const best = noisy.reduce((at, call, i) => (meanOf(call.p) < meanOf(noisy[at].p) ? i : at), 0);
  const bestMean = meanOf(noisy[best].p);
  const options = noisy.map(({ lap, compound, p, n }, i) => ({
    lap, compound, mean_position: meanOf(p), p_position: p,
    delta_positions: Math.max(0, meanOf(p) - bestMean), standard_error: i === best ? 0 : 1.1 / Math.sqrt(n),
    utility: meanOf(p), delta: Math.max(0, meanOf(p) - bestMean), draws: n,
    expected_points: p.reduce((sum, share, at) => sum + share * (POINTS[at] ?? 0), 0),
    p_win: p[0], p_target: p.slice(0, 10).reduce((a, b) => a + b, 0), cvar_position: meanOf(p) + 2.1,
    rejoin_position: lap === null ? null : Math.min(20, car.position + 5.4),
    rejoin_ahead: lap === null ? null : state.cars.at(4).car, rejoin_gap_ahead_s: lap === null ? null : 1.2,
    rejoin_behind: lap === null ? null : state.cars.at(6).car, rejoin_gap_behind_s: lap === null ? null : 0.8,
    wait_cost: lap === null ? null : 0.03, wait_cost_error: lap === null ? null : 0.02,
  }));
  const { lap, compound } = options[best];
  const tied = options.flatMap((option, i) => (i !== best && option.delta < 0.06 ? [i] : []));
  const utility = { goal: "position", target: 10, tail: 0.2, zone: 0.15 };
  const known = { action: lap === null ? "stay" : "box", lap, compound, resolved: draws >= 2048, draws, rounds: round, cut: false };
  return { ...known, best, tied, utility, options, ...(draws >= 2048 ? outlook(state, car, best) : { contingencies: [], break_evens: [] }) };
}

export function forecast(state) {
  const cars = state.cars.map((car) => {
    const p = distribution(car.position + 0.2, 1.9, state.cars.length);
    return { car: car.car, mean_position: meanOf(p), p_position: p };
  });
  return { draws: 2048, cars };
}
