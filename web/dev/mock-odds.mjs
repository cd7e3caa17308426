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
    draws: n, rejoin_position: lap === null ? null : Math.min(20, car.position + 5.4),
  }));
  const { lap, compound } = options[best];
  return { action: lap === null ? "stay" : "box", lap, compound, resolved: draws >= 2048, draws, rounds: round, cut: false, best, options };
}

export function forecast(state) {
  const cars = state.cars.map((car) => {
    const p = distribution(car.position + 0.2, 1.9, state.cars.length);
    return { car: car.car, mean_position: meanOf(p), p_position: p };
  });
  return { draws: 2048, cars };
}
