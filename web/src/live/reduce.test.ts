import { describe, expect, it } from "vitest";
import { aCall, aCar, aDelta, anAnswer, anError, aSnapshot } from "../testing/frames";
import { type Frame, parseFrame } from "../wire/frame";
import { add, asking, drawn, fail, KEPT_QUESTIONS, lapsSince, newest } from "./questions";
import { reduce } from "./reduce";
import { type LiveState, start } from "./state";

const frame = (raw: object): Frame => parseFrame(JSON.stringify({ seq: 1, ...raw }))!;
const after = (state: LiveState, ...frames: object[]) => frames.map(frame).reduce(reduce, state);
const delta = (changes: object, cars: object[] = [], more: object = {}) => ({
  type: "race.delta",
  race: "demo",
  changes,
  cars,
  ...more,
});

const followed: LiveState = { ...start({ race: "demo", car: "LEC", lap: null, ask: null }), raceId: "demo" };
const onScreen = after(followed, aSnapshot());
const asked = add(onScreen, asking(onScreen, "When should I pit?", { lap: null }, "q1")!);

describe("a race", () => {
  it("is the snapshot with every delta merged in", () => {
    const { race } = after(onScreen, delta({ lap: 21, track: "safety_car" }, [aCar("HAM", 2, { lap: 21, stops: 1 })]));
    expect(race).toMatchObject({ lap: 21, track: "safety_car", name: "Demo Grand Prix" });
    expect(race?.cars[1]).toMatchObject({ car: "HAM", lap: 21, stops: 1 });
  });

  it("keeps its cars in running order", () => {
    const { race } = after(onScreen, delta({}, [aCar("LEC", 1), aCar("VER", 2), aCar("HAM", 3)]));
    expect(race?.cars.map((car) => car.car)).toEqual(["LEC", "VER", "HAM"]);
  });

  it("leaves unchanged cars untouched, so that their rows are not painted again", () => {
    const next = after(onScreen, delta({ t_s: 1851 }, [aCar("HAM", 2, { gap_s: 2.4 })]));
    expect(next.race?.cars[0]).toBe(onScreen.race?.cars[0]);
    expect(next.race?.cars[1]).not.toBe(onScreen.race?.cars[1]);
    expect(after(onScreen, delta({ t_s: 1851 })).race?.cars).toBe(onScreen.race?.cars);
  });

  it("takes in a car that was not there, and one without a position last", () => {
    const { race } = after(onScreen, delta({}, [aCar("NEW", 4, { position: null }), aCar("BOT", 4)]));
    expect(race?.cars.map((car) => car.car)).toEqual(["VER", "HAM", "LEC", "BOT", "NEW"]);
  });

  it("keeps its replay unless the delta names one", () => {
    expect(after(onScreen, delta({ t_s: 1 })).replay).toBe(onScreen.replay);
    expect(after(onScreen, delta({}, [], { replay: null })).replay).toBeNull();
  });

  it("is not changed by frames of a race that is no longer followed", () => {
    const other = { ...delta({ lap: 3 }), race: "2019-12" };
    expect(after(onScreen, other)).toBe(onScreen);
    expect(after(onScreen, { ...aSnapshot({ id: "2019-12" }) })).toBe(onScreen);
  });
});

describe("a question", () => {
  it("grows with every frame of its answer", () => {
    const state = after(asked, aCall("q1", "advise"), aDelta("q1", {}, "screen"), aDelta("q1", { draws: 4096 }, "final"));
    expect(newest(state)).toMatchObject({ status: "running", tool: "advise", stage: "final", decision: { draws: 4096 } });
    expect(newest(after(state, anAnswer("q1")))).toMatchObject({ status: "done", answer: { text: "Box lap 24 for hards." } });
  });

  it("is about the car that its words name, once the server has understood them", () => {
    const state = after(asked, aCall("q1", "advise", { car: "HAM", lap: 19 }));
    expect(newest(state)).toMatchObject({ car: "HAM", knownLap: 19 });
    const rival = after(asked, aCall("q1", "advise", { car: "HAM", max_paths: 1 }));
    expect(newest(rival)).toMatchObject({ car: "LEC", knownLap: 20 });
  });

  it("ends with its error; an error of nobody's question is the page's", () => {
    const state = after(asked, anError("q1", "DeadlineExceeded", true));
    expect(newest(state)).toMatchObject({ status: "failed", problem: { error: "DeadlineExceeded", retryable: true } });
    expect(state.problem).toBeNull();
    expect(after(asked, anError(null, "NotFound", false)).problem).toMatchObject({ error: "NotFound" });
    expect(after(asked, anError("q99", "NotFound", false)).problem).toMatchObject({ error: "NotFound" });
  });

  it("is not changed by what comes after its end", () => {
    const state = after(asked, anError("q1", "Cancelled", false));
    expect(after(state, aDelta("q1"), anAnswer("q1"))).toEqual(state);
    expect(newest(fail(after(asked, anAnswer("q1")), "q1", {} as never))?.status).toBe("done");
  });

  it("leaves the chart of the one before on screen when it has none of its own", () => {
    const answered = after(asked, anAnswer("q1"));
    const why = add(answered, asking(answered, "Why?", { lap: null }, "q2")!);
    expect(drawn(why)?.id).toBe("q1");
    expect(newest(why)?.id).toBe("q2");
  });

  it("knows how many laps ago it was", () => {
    const later = after(asked, delta({ lap: 24 }, [aCar("LEC", 3, { lap: 23 })]));
    expect(lapsSince(later, newest(later)!)).toBe(3);
    const field = after(later, aCall("q1", "forecast", { car: "LEC", lap: 20 }));
    expect(lapsSince(field, newest(field)!)).toBe(4);
  });

  it("is forgotten after many others", () => {
    const many = Array.from({ length: KEPT_QUESTIONS + 5 }, (_, i) => asking(onScreen, "Why?", { lap: null }, `q${i}`)!);
    expect(many.reduce(add, onScreen).questions).toHaveLength(KEPT_QUESTIONS);
  });

  it("needs words and a race", () => {
    expect(asking(onScreen, "  ", { lap: null }, "q1")).toBeNull();
    expect(asking({ ...onScreen, raceId: null }, "Why?", { lap: null }, "q1")).toBeNull();
  });
});
