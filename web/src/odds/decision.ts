import type { Decision, Option } from "../wire/answer";
import type { Compound } from "../wire/race";

export const bestOption = (decision: Decision): Option | null => decision.options[decision.best] ?? null;

const better = (a: Option, b: Option | undefined): boolean => b === undefined || a.delta < b.delta;

/** For each in-lap the option with this compound, or with the best one; by lap, without staying out. */
export function perLap(decision: Decision, compound: Compound | null): Map<number, Option> {
  const laps = new Map<number, Option>();
  for (const option of decision.options) {
    if (option.lap === null || (compound !== null && option.compound !== compound)) continue;
    if (better(option, laps.get(option.lap))) laps.set(option.lap, option);
  }
  return new Map([...laps].toSorted(([a], [b]) => a - b));
}

export const stayOut = (decision: Decision): Option | null =>
  decision.options.find((option) => option.lap === null) ?? null;

/** The best call on another lap: what "cannot be told apart" is about. */
export function runnerUp(decision: Decision): Option | null {
  const best = bestOption(decision);
  const others = decision.options.filter((option) => option.lap !== best?.lap || option.compound !== best.compound);
  return others.toSorted((a, b) => a.delta - b.delta)[0] ?? null;
}

/** The calls that cannot be told apart from the best one, nearest first. */
export const tied = (decision: Decision): Option[] =>
  decision.tied.flatMap((row) => decision.options[row] ?? []).toSorted((a, b) => a.delta - b.delta);

/** True where one call stands out from at least one other. */
export const settled = (decision: Decision): boolean =>
  decision.resolved && (decision.tied.length === 0 || decision.tied.length < decision.options.length - 1);

/**
 * First and last lap around the best one that cost no more than the indifference zone; null when the call is to stay, or
 * when no lap beside it was tried, as in a comparison of two.
 */
export function pitWindow(decision: Decision): [number, number] | null {
  const best = bestOption(decision)?.lap;
  if (best === null || best === undefined) return null;
  const laps = perLap(decision, null);
  const good = (lap: number) => (laps.get(lap)?.delta ?? Infinity) <= decision.utility.zone;
  if (!laps.has(best - 1) && !laps.has(best + 1)) return null;
  let [from, to] = [best, best];
  while (good(from - 1)) from -= 1;
  while (good(to + 1)) to += 1;
  return [from, to];
}

/** "lap 24, hard" or "stay out". */
export const callWords = (option: Pick<Option, "lap" | "compound">): string =>
  option.lap === null ? "stay out" : `lap ${option.lap}, ${option.compound ?? "unknown"}`;
