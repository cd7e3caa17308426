import type { LiveState, Problem, Question } from "./state";

/** Older questions are forgotten: the page shows the newest, and the newest chart. */
export const KEPT_QUESTIONS = 20;

const running = (question: Question) => question.status === "running";

/** What a question is about. No car: the chosen one; no lap: the present moment. */
export interface About {
  lap: number | null;
  car?: string | null;
}

/** Laps that a car, or without one the leader, has completed by now. */
export const lapsOf = ({ race }: LiveState, car: string | null): number =>
  race?.cars.find((each) => each.car === car)?.lap ?? race?.lap ?? 0;

/** Forecasts and standings are of the whole field: their laps are the leader's. */
const OF_THE_FIELD = new Set<string | null>(["forecast", "standings", "search"]);

/** Laps completed since what the answer knows; below 0 when the replay was taken back. */
export const lapsSince = (state: LiveState, { tool, car, knownLap }: Question): number =>
  lapsOf(state, OF_THE_FIELD.has(tool) ? null : car) - knownLap;

/** The question that would be asked now; null without a race or without words. */
export function asking(state: LiveState, words: string, { lap, car = state.car }: About, id: string): Question | null {
  const { raceId: race } = state;
  const text = words.trim();
  if (race === null || text === "") return null;
  const knownLap = lap ?? lapsOf(state, car);
  const nothing = { tool: null, stage: null, decision: null, forecast: null, answer: null, problem: null };
  return { id, text, race, car, lap, knownLap, status: "running", cancelling: false, ...nothing };
}

export function add(state: LiveState, question: Question): LiveState {
  return { ...state, questions: [...state.questions, question].slice(-KEPT_QUESTIONS) };
}

/** News of one question. What comes after its end (a delta that crossed a cancel) changes nothing. */
export function change(state: LiveState, id: string, news: Partial<Question>): LiveState {
  if (!state.questions.some((each) => each.id === id && running(each))) return state;
  const questions = state.questions.map((each) => (each.id === id ? { ...each, ...news } : each));
  return { ...state, questions };
}

export const fail = (state: LiveState, id: string, problem: Problem): LiveState =>
  change(state, id, { status: "failed", problem });

/** Every open question ends: the session that would have answered is gone. */
export const failAll = (state: LiveState, problem: Problem): LiveState =>
  state.questions.filter(running).reduce((sofar, question) => fail(sofar, question.id, problem), state);

export const openIds = (state: LiveState): string[] => state.questions.filter(running).map((question) => question.id);

/** The newest question of the race on screen. */
export const newest = (state: LiveState): Question | null =>
  state.questions.findLast((each) => each.race === state.raceId) ?? null;

/** The newest question of this race that has something to draw: a "why?" leaves its chart on screen. */
export const drawn = (state: LiveState): Question | null =>
  state.questions.findLast((each) => each.race === state.raceId && (each.decision ?? each.forecast) !== null) ?? null;
