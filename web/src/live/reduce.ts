import type { Frame, FrameOf } from "../wire/frame";
import type { Car, Race } from "../wire/race";
import { problemOf } from "./problems";
import { change, fail } from "./questions";
import type { LiveState, Question } from "./state";

const LAST = Number.MAX_SAFE_INTEGER;
const inOrder = (cars: Car[]) => cars.toSorted((a, b) => (a.position ?? LAST) - (b.position ?? LAST));

/** Unchanged cars keep their identity, so that their rows are not painted again. */
export function mergeRace(race: Race, delta: FrameOf<"race.delta">): Race {
  const news = new Map(delta.cars.map((car) => [car.car, car]));
  const known = race.cars.map((car) => news.get(car.car) ?? car);
  const added = delta.cars.filter((car) => !race.cars.some((old) => old.car === car.car));
  const cars = news.size === 0 ? race.cars : inOrder([...known, ...added]);
  return { ...race, ...delta.changes, cars };
}

/** A call that names car and lap says what the server took the question for: "Should Hamilton pit?" is about HAM. */
function understood({ tool, arguments: { car, lap } }: FrameOf<"tool.call">): Partial<Question> {
  if (lap === null) return { tool };
  return { tool, knownLap: lap, ...(car !== null && { car }) };
}

function refused(state: LiveState, frame: FrameOf<"error">): LiveState {
  const { id } = frame;
  const known = id !== null && state.questions.some((question) => question.id === id);
  return known ? fail(state, id, problemOf(frame)) : { ...state, problem: problemOf(frame) };
}

/** The state after one frame. Pure: no clock, no socket. Frames of a race that is no longer followed change nothing. */
export function reduce(state: LiveState, frame: Frame): LiveState {
  switch (frame.type) {
    case "welcome":
      return { ...state, races: frame.races };
    case "race.snapshot":
      return frame.race.id === state.raceId ? { ...state, race: frame.race, replay: frame.replay } : state;
    case "race.delta": {
      if (frame.race !== state.race?.id || frame.race !== state.raceId) return state;
      const replay = frame.replay === undefined ? state.replay : frame.replay;
      return { ...state, race: mergeRace(state.race, frame), replay };
    }
    case "tool.call":
      return change(state, frame.id, understood(frame));
    case "answer.delta":
      return change(state, frame.id, { stage: frame.stage, decision: frame.decision });
    case "answer.done": {
      const { text, why, ungrounded, provenance, timings_ms: timings, decision, forecast, tool } = frame;
      const answer = { text, why, sources: frame.sources ?? [], ungrounded, provenance, timings };
      return change(state, frame.id, { status: "done", tool, answer, decision, forecast });
    }
    case "error":
      return refused(state, frame);
    case "tool.result":
    case "draining":
      return state;
  }
}
