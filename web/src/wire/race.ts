import { bool, list, num, oneOf, orNull, part, record, str } from "./read";

export const COMPOUNDS = ["soft", "medium", "hard", "intermediate", "wet", "unknown"] as const;
export const compound = oneOf(...COMPOUNDS);
export type Compound = ReturnType<typeof compound>;

export const raceInfo = record({ id: str, name: str, series: str, total_laps: num, cars: num, live: bool });
export type RaceInfo = ReturnType<typeof raceInfo>;

export const car = record({
  car: str,
  number: str,
  driver: str,
  team: str,
  position: orNull(num),
  status: oneOf("running", "in_pit", "retired", "finished"),
  lap: num,
  gap_s: orNull(num),
  interval_s: orNull(num),
  laps_down: num,
  last_lap_s: orNull(num),
  compound,
  tyre_age: orNull(num),
  stops: num,
});
export type Car = ReturnType<typeof car>;

const track = oneOf("green", "yellow", "vsc", "safety_car", "red");
export type Track = ReturnType<typeof track>;

const header = {
  id: str,
  name: str,
  series: str,
  total_laps: num,
  lap: num,
  t_s: num,
  track,
  finished: bool,
  wet: bool,
  messages: list(record({ t_s: num, text: str })),
};

export const race = record({ ...header, cars: list(car) });
export type Race = ReturnType<typeof race>;

/** The changed fields of a race; its cars travel beside them. */
export const raceChanges = part(header);

export const replay = record({ playing: bool, speed: num, lap: num, total_laps: num, t_s: num, ended: bool });
export type Replay = ReturnType<typeof replay>;
