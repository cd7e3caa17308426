import { describe, expect, it, vi } from "vitest";
import { aCall, aCar, aDelta, aForecast, anAnswer, anError, aReplay, aSnapshot, aWelcome } from "../testing/frames";
import { parseFrame } from "./frame";

const parse = (frame: object) => parseFrame(JSON.stringify({ seq: 7, ...frame }));

const VALID: [string, object][] = [
  ["welcome", aWelcome()],
  ["race.snapshot", aSnapshot()],
  ["race.snapshot of a live race", aSnapshot({}, null)],
  ["race.delta", { type: "race.delta", race: "demo", changes: { lap: 21, t_s: 1942.1 }, cars: [aCar("HAM", 1)] }],
  ["race.delta with replay", { type: "race.delta", race: "demo", changes: {}, cars: [], replay: aReplay() }],
  ["tool.call", aCall("q1", "advise", { car: "LEC", lap: 20, what_if: { track: "vsc" } })],
  ["tool.result", { type: "tool.result", id: "q1", tool: "advise", result: { lap: 24 } }],
  ["answer.delta", aDelta("q1")],
  ["answer.done", anAnswer("q1")],
  ["answer.done of a forecast", anAnswer("q1", { decision: null, forecast: aForecast() })],
  ["answer.done with standings", anAnswer("q1", { decision: null, standings: [aCar("VER", 1)] })],
  ["error", anError("q1", "SimulatorUnavailable", true)],
  ["error of no question", anError(null, "InvalidRequest", false)],
  ["draining", { type: "draining", reason: "a new version is coming" }],
];

const BROKEN: [string, object, RegExp][] = [
  ["a number as text", aSnapshot({ lap: "20" as never }), /race\.snapshot\.race\.lap: a number/],
  ["a flag nobody knows", aSnapshot({ track: "purple" as never }), /race\.track: one of green, yellow/],
  ["a compound nobody knows", aSnapshot({ cars: [aCar("VER", 1, { compound: "gum" as never })] }), /cars\[0\]\.compound/],
  ["a missing field", { type: "draining" }, /draining\.reason: text/],
  ["a list that is none", { ...aWelcome(), races: {} }, /welcome\.races: a list/],
  ["an object that is none", aDelta("q1", { options: [3] as never }), /decision\.options\[0\]: an object/],
  ["a bool as number", anError("q1", "X", 1 as never), /error\.retryable: true or false/],
  ["no type", { kind: "welcome" }, /frame\.type: text/],
  ["a broken change", { type: "race.delta", race: "demo", changes: { lap: null }, cars: [] }, /changes\.lap: a number/],
];

describe("parseFrame", () => {
  it.each(VALID)("reads %s", (_, frame) => {
    expect(parse(frame)).toMatchObject({ type: (frame as { type: string }).type, seq: 7 });
  });

  it.each(BROKEN)("says where a frame is broken: %s", (_, frame, message) => {
    expect(() => parse(frame)).toThrow(message);
  });

  it.each(["{", "[1]", "null", '"text"'])("refuses what is no frame: %s", (text) => {
    expect(() => parseFrame(text)).toThrow(/frame: (JSON|an object) expected/);
  });

  it("refuses a number that is not finite", () => {
    expect(() => parseFrame(JSON.stringify({ seq: 1, ...aSnapshot() }).replace('"t_s":1850', '"t_s":1e999'))).toThrow(/t_s: a number/);
  });

  it("ignores a frame of a newer server, and says so in the console", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    expect(parse({ type: "alert", text: "box" })).toBeNull();
    expect(parse({ type: "toString" })).toBeNull();
    expect(warn).toHaveBeenCalledWith(expect.stringContaining("alert"));
  });

  it("keeps what is not known as null, also when it is left out", () => {
    const { rejoin_position: _, ...option } = aDelta("q1").decision.options[0]!;
    const frame = parse(aDelta("q1", { options: [option as never], best: 0 }));
    expect(frame).toMatchObject({ decision: { options: [{ rejoin_position: null }] } });
  });

  it("keeps all 64 bits of a seed", () => {
    const text = JSON.stringify({ seq: 1, ...anAnswer("q1") }).replace('"seed":42', '"seed":18446744073709551615');
    expect(parseFrame(text)).toMatchObject({ provenance: { seed: "18446744073709551615" } });
  });

  it("takes only the fields that changed from a delta", () => {
    const frame = parse({ type: "race.delta", race: "demo", changes: { lap: 21, unheard: 1 }, cars: [] });
    expect(frame).toMatchObject({ changes: { lap: 21 }, replay: undefined });
    expect(Object.keys((frame as { changes: object }).changes)).toEqual(["lap"]);
  });
});
