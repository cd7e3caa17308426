import { compound } from "./race";
import { bool, list, num, oneOf, orNull, record, str } from "./read";

const option = record({
  lap: orNull(num),
  compound: orNull(compound),
  mean_position: num,
  p_position: list(num),
  delta_positions: num,
  standard_error: num,
  draws: num,
  rejoin_position: orNull(num),
});
export type Option = ReturnType<typeof option>;

export const decision = record({
  action: oneOf("box", "stay"),
  lap: orNull(num),
  compound: orNull(compound),
  resolved: bool,
  draws: num,
  rounds: num,
  cut: bool,
  best: num,
  options: list(option),
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
});
export type Provenance = ReturnType<typeof provenance>;

export const timings = record({ total: num, orchestrator: num, model_server: num, sim_worker: num });
export type Timings = ReturnType<typeof timings>;

export const stage = oneOf("screen", "refine", "final");
export type Stage = ReturnType<typeof stage>;
