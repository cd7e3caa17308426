import { describe, expect, it } from "vitest";
import { age, count, gap, lapTime, laps, milliseconds, percent, raceClock } from "./format";

describe("numbers as a pit wall writes them", () => {
  it.each([
    [lapTime(92.456), "1:32.456"],
    [lapTime(59.9996), "1:00.000"],
    [lapTime(61.05), "1:01.050"],
    [lapTime(null), "–"],
    [raceClock(3725.9), "1:02:05"],
    [raceClock(0), "0:00:00"],
    [gap(12.34), "+12.3"],
    [gap(null), "–"],
    [gap(null, 1), "+1 lap"],
    [gap(95.1, 2), "+2 laps"],
    [percent(0), "0 %"],
    [percent(0.004), "<1 %"],
    [percent(0.125), "13 %"],
    [percent(0.999), ">99 %"],
    [percent(1), "100 %"],
    [percent(0.1 + 0.2 + 0.7 - 1e-12), "100 %"],
    [laps(1), "1 lap"],
    [laps(3), "3 laps"],
    [age(1_400), "1 s"],
    [age(125_000), "2 min"],
    [milliseconds(4.25), "4.3 ms"],
    [milliseconds(267.5), "268 ms"],
    [count(4096), "4\u202f096"],
  ])("%s", (written, expected) => {
    expect(written).toBe(expected);
  });
});
