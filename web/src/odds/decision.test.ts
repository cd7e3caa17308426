import { describe, expect, it } from "vitest";
import { aDecision, anOption } from "../testing/frames";
import { bestOption, callWords, perLap, pitWindow, runnerUp, settled, stayOut, tied } from "./decision";
import { goalFact, unitOf, withUnit } from "./goal";
import { chance, mean, mode, standardError } from "./odds";

describe("a goal", () => {
  const utility = aDecision().utility;

  it("has a unit for what is lost, and its zone in it", () => {
    expect(unitOf(utility)).toMatchObject({ name: "places", zone: 0.15 });
    expect(withUnit(0.314, unitOf({ ...utility, goal: "points", zone: 0.2 }))).toBe("0.31 points");
    expect(withUnit(0.0314, unitOf({ ...utility, goal: "win", zone: 0.01 }))).toBe("3.1 % points");
    expect(unitOf({ ...utility, goal: "target", zone: 0.01 }).zone).toBe(1);
  });

  it("has a fact of its own unless it is the mean position", () => {
    const option = anOption(24, "hard", 0, { utility: 0.256 });
    expect(goalFact(option, utility)).toBeNull();
    expect(goalFact(option, { ...utility, goal: "win" })).toEqual(["Win", "25.6 %"]);
    expect(goalFact(option, { ...utility, goal: "target", target: 6 })).toEqual(["P6 or better", "25.6 %"]);
    expect(goalFact({ ...option, utility: 12.26 }, { ...utility, goal: "points" })).toEqual(["Expected points", "12.3"]);
    expect(goalFact({ ...option, utility: 5.5 }, { ...utility, goal: "cvar" })).toEqual(["Worst 20 %", "P5.50"]);
  });
});

describe("a decision", () => {
  it("names the calls that are as good, and is settled unless all of them are", () => {
    expect(tied(aDecision({ tied: [4, 1] })).map(callWords)).toEqual(["lap 23, hard", "lap 25, medium"]);
    expect(settled(aDecision({ tied: [1] }))).toBe(true);
    expect(settled(aDecision({ tied: [0, 1, 3, 4, 5] }))).toBe(false);
    expect(settled(aDecision({ resolved: false }))).toBe(false);
  });

  it("has for each lap the option with its best tyre, by lap", () => {
    const laps = perLap(aDecision(), null);
    expect([...laps].map(([lap, option]) => [lap, option.compound])).toEqual([[23, "hard"], [24, "hard"], [25, "medium"]]);
    expect([...perLap(aDecision(), "medium").keys()]).toEqual([23, 24, 25]);
    expect([...perLap(aDecision(), "hard").keys()]).toEqual([23, 24]);
  });

  it("has a window of the laps that are as good as the best", () => {
    expect(pitWindow(aDecision())).toEqual([23, 24]);
    expect(pitWindow(aDecision({ best: 5 }))).toBeNull();
    expect(pitWindow(aDecision({ options: [anOption(24, "hard", 0), anOption(30, "soft", 0.1)], best: 0 }))).toBeNull();
  });

  it("has a window that a lap which costs more ends", () => {
    const options = [0.1, 0.2, 0, 0.14, 0.1].map((delta, at) => anOption(30 + at, "hard", delta));
    expect(pitWindow(aDecision({ options, best: 2 }))).toEqual([32, 34]);
  });

  it("names the best call, the one next to it and staying out", () => {
    const decision = aDecision();
    expect(callWords(bestOption(decision)!)).toBe("lap 24, hard");
    expect(callWords(runnerUp(decision)!)).toBe("lap 23, hard");
    expect(callWords(stayOut(decision)!)).toBe("stay out");
    expect(runnerUp(aDecision({ options: [anOption(24, "hard", 0)], best: 0 }))).toBeNull();
  });
});

describe("a distribution of positions", () => {
  it("has mean, mode and chances", () => {
    expect(mean([0.5, 0.25, 0.25])).toBe(1.75);
    expect(mode([0.2, 0.5, 0.3])).toBe(2);
    expect(chance([0.2, 0.5, 0.3], 2)).toBeCloseTo(0.7);
  });

  it("has an error that shrinks with the root of its draws", () => {
    expect(standardError([0.5, 0.5], 100)).toBeCloseTo(0.05);
    expect(standardError([0.5, 0.5], 400)).toBeCloseTo(0.025);
    expect(standardError([0, 1], 10)).toBe(0);
    expect(standardError([0.5, 0.5], 0)).toBe(0);
  });
});
