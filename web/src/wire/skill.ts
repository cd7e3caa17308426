import { bool, list, num, record, str } from "./read";

const band = record({ level: num, held: num, expected: num, low: num, high: num });

const modelSkill = record({
  model: str,
  live: bool, // false: races that were over already, played again
  calls: num,
  waiting: num, // not graded yet
  followed: num, // graded: only a followed call can be
  races: num,
  cars: num, // in so many cars of those races
  bands: list(band), // empty while nothing is graded
});
export type ModelSkill = ReturnType<typeof modelSkill>;

/** `GET /v1/skill`: how good the calls of each model were. */
export const skill = record({ models: list(modelSkill), degraded: bool });
export type Skill = ReturnType<typeof skill>;
