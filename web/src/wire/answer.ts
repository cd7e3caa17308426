import { compound } from "./race";
import { bool, list, num, oneOf, orNull, record, str } from "./read";

const option = record({
  lap: orNull(num),
  compound: orNull(compound),
  mean_position: num,
  p_position: list(num),
  delta_positions: num,
  utility: num, // in the unit of the goal, as delta, standard_error and wait_cost
  delta: num,
  standard_error: num,
  draws: num,
  expected_points: num,
  p_win: num,
  p_target: num,
  cvar_position: num,
  rejoin_position: orNull(num),
  rejoin_ahead: orNull(str),
  rejoin_gap_ahead_s: orNull(num),
  rejoin_behind: orNull(str),
  rejoin_gap_behind_s: orNull(num),
  wait_cost: orNull(num),
  wait_cost_error: orNull(num),
});
export type Option = ReturnType<typeof option>;

const utility = record({ goal: oneOf("position", "points", "win", "target", "cvar"), target: num, tail: num, zone: num });
export type Utility = ReturnType<typeof utility>;

const contingency = record({
  event: oneOf("safety_car", "vsc", "rain", "rival_boxes"),
  rival: orNull(str),
  lap: orNull(num),
  compound: orNull(compound),
  delta: num,
  standard_error: num,
  changes: bool,
});
export type Contingency = ReturnType<typeof contingency>;

const breakEven = record({
  parameter: oneOf("pit_loss_s", "wear", "caution_rate"),
  now: num,
  value: orNull(num),
  low: orNull(num),
  high: orNull(num),
  other: num,
  tried_low: num,
  tried_high: num,
});
export type BreakEven = ReturnType<typeof breakEven>;

export const decision = record({
  action: oneOf("box", "stay"),
  lap: orNull(num),
  compound: orNull(compound),
  resolved: bool,
  draws: num,
  rounds: num,
  cut: bool,
  best: num,
  tied: list(num), // options that cannot be told apart from the best
  utility,
  options: list(option),
  contingencies: list(contingency),
  break_evens: list(breakEven),
});
export type Decision = ReturnType<typeof decision>;

export const forecast = record({
  draws: num,
  cars: list(record({ car: str, mean_position: num, p_position: list(num) })),
});
export type Forecast = ReturnType<typeof forecast>;

export const provenance = record({
  model: str,
  seed: str, // 64 bits: text, see frame.ts
  race: str,
  race_lap: num,
  feed_age_s: num,
  assumed: list(str),
  draws: num,
  rounds: num,
  trace_id: str,
  embedder: orNull(str),
});
export type Provenance = ReturnType<typeof provenance>;

const source = record({
  number: num, // [1] in the words of the answer
  document: str,
  title: str,
  heading: str,
  location: str,
  link: orNull(str),
  kind: str,
  text: str,
  marks: list(list(num)), // words that matched: start and end in code points of the text
});
export type Source = ReturnType<typeof source>;
/** An older server has none. */
export const sources = orNull(list(source));

export const timings = record({ total: num, orchestrator: num, model_server: num, sim_worker: num });
export type Timings = ReturnType<typeof timings>;

export const stage = oneOf("screen", "refine", "final");
export type Stage = ReturnType<typeof stage>;
