import { bestOption, perLap, pitWindow, runnerUp } from "../odds/decision";
import { amount, goalFact, type Unit, unitOf, withUnit } from "../odds/goal";
import { chance, mode, standardError } from "../odds/odds";
import type { Fact } from "../ui/FactList";
import { percent, places } from "../ui/format";
import type { Decision, Option } from "../wire/answer";

/** Laps of waiting whose price is shown. */
const WAIT = 3;

const within = (twoErrors: number) => `± ${places(twoErrors)}`;

const costs = (name: string, loss: number, error: number, unit: Unit): Fact => ({
  name,
  value: withUnit(loss, unit),
  note: `± ${amount(2 * error, unit)}`,
});

/** What the obvious other call costs: the same stop one lap later, another one a few laps later, or to stop after all. */
function otherCall(decision: Decision, best: Option): Fact[] {
  const unit = unitOf(decision.utility);
  const { lap, wait_cost: next, wait_cost_error: error } = best;
  if (next !== null && error !== null) return [costs("1 lap later costs", next, error, unit)];
  const other = lap === null ? runnerUp(decision) : perLap(decision, null).get(lap + WAIT);
  const name = lap === null ? "Best stop costs" : `${WAIT} laps later costs`;
  return other ? [costs(name, other.delta, other.standard_error, unit)] : [];
}

/** Between whom: each side has its own most frequent car. It can be the same one, ahead in some races and behind in others. */
function near({ rejoin_ahead: ahead, rejoin_gap_ahead_s: front, rejoin_behind: behind, rejoin_gap_behind_s: back }: Option): string {
  if (ahead !== null && ahead === behind) return `around ${ahead}: ${front?.toFixed(1)} s behind or ${back?.toFixed(1)} s ahead`;
  const sides = [
    ...(ahead === null || front === null ? [] : [`${front.toFixed(1)} s behind ${ahead}`]),
    ...(behind === null || back === null ? [] : [`${back.toFixed(1)} s ahead of ${behind}`]),
  ];
  return sides.join(", ");
}

/** Where the stop comes out. */
function comesOut(option: Option): Fact[] {
  if (option.rejoin_position === null) return [];
  return [{ name: "Comes out", value: `P${Math.round(option.rejoin_position)}`, note: near(option) }];
}

function window(decision: Decision): Fact[] {
  const laps = pitWindow(decision);
  if (laps === null) return [];
  const [from, to] = laps;
  return [{ name: "Pit window", value: from === to ? `Lap ${from}` : `Laps ${from}–${to}` }];
}

/** What the best call is expected to bring, best known first. */
export function factsOf(decision: Decision): Fact[] {
  const best = bestOption(decision);
  if (best === null) return [];
  const { p_position: p, mean_position, draws } = best;
  const aim = goalFact(best, decision.utility);
  const top = mean_position <= 6 ? 3 : 10;
  const likely = mode(p);
  return [
    ...(aim === null ? [] : [{ name: aim[0], value: aim[1] }]),
    { name: "Mean finish", value: `P${places(mean_position)}`, note: within(2 * standardError(p, draws)) },
    { name: "Most likely", value: `P${likely}`, note: percent(p[likely - 1] ?? 0) },
    { name: top === 3 ? "Podium" : "Top 10", value: percent(chance(p, top)) },
    ...comesOut(best),
    ...window(decision),
    ...otherCall(decision, best),
  ];
}
