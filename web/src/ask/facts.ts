import { bestOption, perLap, pitWindow, runnerUp } from "../odds/decision";
import { chance, mode, standardError } from "../odds/odds";
import { percent, places } from "../ui/format";
import type { Decision, Option } from "../wire/answer";

export interface Fact {
  name: string;
  value: string;
  note?: string;
}

/** Laps of waiting whose price is shown. */
const WAIT = 3;

const within = (twoErrors: number) => `± ${places(twoErrors)}`;

/** What the obvious other call costs: to wait a few laps, or to stop after all. */
function otherCall(decision: Decision, best: Option): Fact[] {
  const other = best.lap === null ? runnerUp(decision) : perLap(decision, null).get(best.lap + WAIT);
  if (!other) return [];
  const name = best.lap === null ? "Best stop costs" : `${WAIT} laps later costs`;
  return [{ name, value: `${places(other.delta_positions)} places`, note: within(2 * other.standard_error) }];
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
  const { p_position: p, mean_position, draws, rejoin_position } = best;
  const top = mean_position <= 6 ? 3 : 10;
  const likely = mode(p);
  return [
    { name: "Mean finish", value: `P${places(mean_position)}`, note: within(2 * standardError(p, draws)) },
    { name: "Most likely", value: `P${likely}`, note: percent(p[likely - 1] ?? 0) },
    { name: top === 3 ? "Podium" : "Top 10", value: percent(chance(p, top)) },
    ...(rejoin_position === null ? [] : [{ name: "Comes out", value: `P${Math.round(rejoin_position)}` }]),
    ...window(decision),
    ...otherCall(decision, best),
  ];
}
