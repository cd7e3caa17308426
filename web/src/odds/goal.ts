import type { Option, Utility } from "../wire/answer";

/** In what a goal counts. `times` makes a share a percentage. */
export interface Unit {
  name: string; // of a loss: "0.31 places"
  Name: string;
  times: number;
  decimals: number;
  zone: number; // calls closer than this are equally good; in the unit as it is shown
}

/** The unit of a goal. */
export function unitOf({ goal, zone }: Utility): Unit {
  if (goal === "win" || goal === "target") return { name: "% points", Name: "% points", times: 100, decimals: 1, zone: 100 * zone };
  const name = goal === "points" ? "points" : "places";
  return { name, Name: goal === "points" ? "Points" : "Places", times: 1, decimals: 2, zone };
}

/** A difference as a number in that unit. */
export const amount = (value: number, unit: Unit): string => (value * unit.times).toFixed(unit.decimals);

/** "0.31 places". */
export const withUnit = (value: number, unit: Unit): string => `${amount(value, unit)} ${unit.name}`;

/** What the goal calls its value, and that value; null for the mean position, which is shown anyway. */
export function goalFact(option: Option, { goal, target, tail }: Utility): [string, string] | null {
  switch (goal) {
    case "position":
      return null;
    case "points":
      return ["Expected points", option.utility.toFixed(1)];
    case "win":
      return ["Win", `${(100 * option.utility).toFixed(1)} %`];
    case "target":
      return [`P${target} or better`, `${(100 * option.utility).toFixed(1)} %`];
    case "cvar":
      return [`Worst ${Math.round(100 * tail)} %`, `P${option.utility.toFixed(2)}`];
  }
}
