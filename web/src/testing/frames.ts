import type { BreakEven, Contingency, Decision, Forecast, Option, Source } from "../wire/answer";
import type { Car, Compound, Race, Replay } from "../wire/race";

/** Frames as the server sends them, for tests. Each builder takes what the test is about. */
export const aCar = (car: string, position: number, news: Partial<Car> = {}): Car => ({
  car,
  number: String(position),
  driver: `Driver ${car}`,
  team: `Team ${car}`,
  position,
  status: "running",
  lap: 20,
  gap_s: (position - 1) * 2.5,
  interval_s: position === 1 ? null : 2.5,
  laps_down: 0,
  last_lap_s: 92.456,
  compound: "medium",
  tyre_age: 18,
  stops: 0,
  ...news,
});

export const aRace = (news: Partial<Race> = {}): Race => ({
  id: "demo",
  name: "Demo Grand Prix",
  series: "f1",
  total_laps: 56,
  lap: 20,
  t_s: 1850,
  track: "green",
  finished: false,
  wet: false,
  messages: [],
  cars: [aCar("VER", 1), aCar("HAM", 2), aCar("LEC", 3)],
  ...news,
});

export const aReplay = (news: Partial<Replay> = {}): Replay => ({
  playing: false,
  speed: 1,
  lap: 20,
  total_laps: 56,
  t_s: 1850,
  ended: false,
  ...news,
});

export const anOption = (lap: number | null, compound: Compound | null, delta: number, news: Partial<Option> = {}): Option => ({
  lap,
  compound,
  mean_position: 1.8 + delta,
  p_position: [0.4, 0.4, 0.2],
  delta_positions: delta,
  utility: 1.8 + delta,
  delta,
  standard_error: delta === 0 ? 0 : 0.02,
  draws: 1024,
  expected_points: 18.5,
  p_win: 0.4,
  p_target: 1,
  cvar_position: 2.9,
  rejoin_position: lap === null ? null : 2.6,
  rejoin_ahead: null,
  rejoin_gap_ahead_s: null,
  rejoin_behind: null,
  rejoin_gap_behind_s: null,
  wait_cost: null,
  wait_cost_error: null,
  ...news,
});

/** Best: lap 24 on hards. Lap 23 is as good, lap 25 is not; staying out is hopeless. */
export const aDecision = (news: Partial<Decision> = {}): Decision => ({
  action: "box",
  lap: 24,
  compound: "hard",
  resolved: true,
  draws: 1024,
  rounds: 5,
  cut: false,
  best: 2,
  tied: [],
  utility: { goal: "position", target: 10, tail: 0.2, zone: 0.15 },
  contingencies: [],
  break_evens: [],
  options: [
    anOption(23, "medium", 0.9),
    anOption(23, "hard", 0.1),
    anOption(24, "hard", 0),
    anOption(24, "medium", 0.4),
    anOption(25, "medium", 0.3),
    anOption(null, null, 2.4),
  ],
  ...news,
});

export const aContingency = (news: Partial<Contingency> = {}): Contingency => ({
  event: "safety_car",
  rival: null,
  lap: 21,
  compound: "soft",
  delta: 0.8,
  standard_error: 0.05,
  changes: true,
  ...news,
});

/** Of a pit loss of 20 s: from 26 s on the option in row 1 is as good. */
export const aBreakEven = (news: Partial<BreakEven> = {}): BreakEven => ({
  parameter: "pit_loss_s",
  now: 20,
  value: 26,
  low: 24,
  high: 29,
  other: 1,
  tried_low: 12,
  tried_high: 32,
  ...news,
});

export const aForecast = (): Forecast => ({
  draws: 2048,
  cars: [
    { car: "VER", mean_position: 1.3, p_position: [0.8, 0.1, 0.1] },
    { car: "LEC", mean_position: 2.1, p_position: [0.15, 0.6, 0.25] },
    { car: "HAM", mean_position: 2.6, p_position: [0.05, 0.3, 0.65] },
  ],
});

export const aWelcome = (news: object = {}) => ({
  type: "welcome",
  version: 1,
  session: "token-1",
  resumed: false,
  races: [{ id: "demo", name: "Demo Grand Prix", series: "f1", total_laps: 56, cars: 3, live: false }],
  server: { version: "0.1.0" },
  ...news,
});

export const aSnapshot = (race: Partial<Race> = {}, replay: Partial<Replay> | null = {}) => ({
  type: "race.snapshot",
  race: aRace(race),
  replay: replay && aReplay(replay),
});

export const aCall = (id: string, tool: string, about: object = {}) => ({ type: "tool.call", id, tool, arguments: about });

export const aDelta = (id: string, news: Partial<Decision> = {}, stage = "refine") => ({
  type: "answer.delta",
  id,
  stage,
  decision: aDecision(news),
});

export const aSource = (number: number, news: Partial<Source> = {}): Source => ({
  number,
  document: `page-${number}`,
  title: "Undercut",
  heading: "When it works",
  location: "line 7",
  link: null,
  kind: "handbook",
  text: "It pays when new tyres are much faster than old ones.",
  marks: [[17, 22]],
  ...news,
});

/** The model that answers name. */
export const MODEL = "prior@2";

export const anAnswer = (id: string, news: object = {}) => ({
  type: "answer.done",
  id,
  tool: "advise",
  text: "Box lap 24 for hards.",
  why: ["The mediums are 18 laps old."],
  decision: aDecision(),
  forecast: null,
  standings: null,
  sources: [],
  ungrounded: null,
  provenance: {
    model: MODEL,
    seed: 42,
    race: "demo",
    race_lap: 20,
    feed_age_s: 0.4,
    assumed: ["The tyres of LEC are not known: mediums assumed."],
    draws: 1024,
    rounds: 5,
    trace_id: "4bf92f3577b34da6",
    embedder: null,
  },
  timings_ms: { total: 120, orchestrator: 4, model_server: 16, sim_worker: 100 },
  ...news,
});

export const anError = (id: string | null, error: string, retryable: boolean, detail = `${error} happened.`) => ({
  type: "error",
  id,
  error,
  detail,
  retryable,
  trace_id: "4bf92f3577b34da6",
});
