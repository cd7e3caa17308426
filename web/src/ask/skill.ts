import { count, percent } from "../ui/format";
import type { ModelSkill, Skill } from "../wire/skill";

/** The band that people know best. */
const LEVEL = 0.8;

/** The figure to show for a model: of live races, once there is one; else of replays. */
function figureOf({ models }: Skill, model: string): ModelSkill | null {
  const own = models.filter((each) => each.model === model && each.followed > 0);
  return own.find((each) => each.live) ?? own[0] ?? null;
}

const calls = (n: number, kind: string) => `${count(n)} ${kind}${n === 1 ? "" : "s"}`;

/** How good the calls of a model were, in one sentence; what the small print adds comes second. */
export function skillWords(skill: Skill, model: string): [string, string] {
  const figure = figureOf(skill, model);
  const band = figure?.bands.find((each) => each.level === LEVEL);
  if (!figure || !band) {
    const waiting = skill.models.filter((each) => each.model === model).reduce((sum, each) => sum + each.waiting, 0);
    return ["No call of this model has been graded yet", waiting > 0 ? `${calls(waiting, "call")} not graded: pitcall race grade` : ""];
  }
  const where = `${calls(figure.followed, "followed call")} in ${calls(figure.races, figure.live ? "race" : "replayed race")}`;
  return [
    `80 % bands held ${percent(band.held)} of the time over ${where}`,
    `95 %: ${percent(band.low)} to ${percent(band.high)}; ${percent(band.expected)} expected`,
  ];
}
