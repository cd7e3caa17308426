import type { Decision, Forecast, Provenance, Source, Stage, Timings } from "../wire/answer";
import type { Race, RaceInfo, Replay } from "../wire/race";
import type { Skill } from "../wire/skill";
import type { Address } from "./address";

export type Link = "connecting" | "live" | "lost";

/** What went wrong, in the words of the server or, without a link, of this page. */
export interface Problem {
  error: string;
  detail: string;
  retryable: boolean;
  traceId: string;
}

export interface Answer {
  text: string;
  why: string[];
  sources: Source[];
  ungrounded: string | null; // why there are none, where there should be
  provenance: Provenance;
  timings: Timings;
}

/** One question from the moment it is asked. */
export interface Question {
  id: string;
  text: string;
  race: string;
  car: string | null; // the chosen car; once understood, the one that the words name
  lap: number | null; // asked about this lap; null = the present moment
  knownLap: number; // laps completed in what the answer knows: by the car, or by the leader in a forecast
  status: "running" | "done" | "failed";
  cancelling: boolean;
  tool: string | null;
  stage: Stage | null;
  decision: Decision | null;
  forecast: Forecast | null;
  answer: Answer | null;
  problem: Problem | null;
}

/** All that the page knows. `race` and `replay` carry the one event-time clock that every panel reads. */
export interface LiveState {
  link: Link;
  heardAt: number | null; // wall clock of the newest frame, ms
  races: RaceInfo[] | null; // null until the server has said hello
  raceId: string | null;
  car: string | null;
  race: Race | null;
  replay: Replay | null;
  questions: Question[]; // oldest first
  skill: Skill | null; // as of the newest answer; null while it is not known
  problem: Problem | null; // one that belongs to no question
  address: Address;
}

export const start = (address: Address): LiveState => ({
  link: "connecting",
  heardAt: null,
  races: null,
  raceId: null,
  car: address.car,
  race: null,
  replay: null,
  questions: [],
  skill: null,
  problem: null,
  address,
});
