import { describe, expect, it } from "vitest";
import { aDecision, aForecast, anOption } from "../testing/frames";
import { decisionColumns, forecastColumns, rowsOf, triedCompounds } from "./columns";
import { ink } from "./ink";
import { cellAt, labelStep, layoutOf, rowHeight } from "./layout";
import { lossScale } from "./LossStrip";
import { runsOf } from "./TyreStrip";

describe("the columns of a decision", () => {
  it("are the laps with their best tyre, then staying out", () => {
    const columns = decisionColumns(aDecision(), null);
    expect(columns.map(({ label, compound, marked, apart }) => [label, compound, marked, apart])).toEqual([
      ["23", "hard", false, false],
      ["24", "hard", true, false],
      ["25", "medium", false, false],
      ["Stay", null, false, true],
    ]);
  });

  it("stay where they are when one tyre is shown; a lap without it is blank", () => {
    const columns = decisionColumns(aDecision(), "hard");
    expect(columns.map(({ label, p }) => [label, p.length])).toEqual([["23", 3], ["24", 3], ["25", 0], ["Stay", 3]]);
    expect(decisionColumns(aDecision(), "medium").find((column) => column.marked)).toBeUndefined();
  });

  it("mark staying out when that is the call", () => {
    const decision = aDecision({ action: "stay", lap: null, compound: null, best: 5 });
    expect(decisionColumns(decision, null).at(-1)).toMatchObject({ label: "Stay", marked: true });
  });

  it("carry the error of the mean, and that of the paired difference", () => {
    const options = [anOption(30, "hard", 0.4, { p_position: [0.5, 0.5], draws: 100, standard_error: 0.03 })];
    const [column] = decisionColumns(aDecision({ options, best: 0 }), null);
    expect(column?.error).toBeCloseTo(0.05);
    expect(column?.lost).toMatchObject({ amount: 0.4, error: 0.03, unit: { name: "places", zone: 0.15 } });
  });

  it("have as many rows as finishing positions", () => {
    expect(rowsOf(decisionColumns(aDecision(), null))).toBe(3);
    expect(rowsOf([])).toBe(1);
  });

  it("offer the tyres that were tried, softest first", () => {
    expect(triedCompounds(aDecision())).toEqual(["medium", "hard"]);
  });
});

describe("the columns of a forecast", () => {
  it("are its cars in order, the chosen one marked", () => {
    const columns = forecastColumns(aForecast(), "LEC");
    expect(columns.map(({ label, marked }) => [label, marked])).toEqual([["VER", false], ["LEC", true], ["HAM", false]]);
    expect(columns.every(({ lost }) => lost === null)).toBe(true);
  });
});

describe("the drawing", () => {
  const columns = decisionColumns(aDecision(), null);
  const layout = layoutOf(columns, 3, 244, 10);

  it("finds the cell under the pointer, also past the gap before staying out", () => {
    const middle = (at: number) => layout.x(at) + layout.band / 2;
    for (const at of [0, 1, 2, 3]) expect(cellAt(layout, 4, 3, middle(at), layout.y(2))).toEqual({ at, position: 2 });
    expect(cellAt(layout, 4, 3, layout.x(3) - 1, layout.y(2))).toEqual({ at: 2, position: 2 });
    expect(cellAt(layout, 4, 3, 5, layout.y(2))).toBeNull();
    expect(cellAt(layout, 4, 3, middle(3), 9_999)).toEqual({ at: 3, position: 3 });
  });

  it("fits its width", () => {
    expect(layout.x(3) + layout.band).toBeCloseTo(242);
    expect(layout.x(3) - layout.x(2)).toBeGreaterThan(layout.band);
  });

  it("has rows that fit the window, and a finger on a phone", () => {
    expect(rowHeight("call", 20, 800, 900)).toBe(11);
    expect(rowHeight("field", 20, 800, 820)).toBe(14);
    expect(rowHeight("call", 20, 800, 1100)).toBe(18);
    expect(rowHeight("call", 20, 360, 844)).toBe(13);
  });

  it("names as many laps as have room", () => {
    expect([30, 20, 9, 3, 0.1].map((band) => labelStep(band, 26))).toEqual([1, 2, 5, 10, 50]);
  });

  it("joins neighbours on the same tyre", () => {
    expect(runsOf(columns)).toEqual([{ compound: "hard", from: 0, to: 1 }, { compound: "medium", from: 2, to: 2 }]);
  });

  it("scales losses by the laps, so that staying out does not flatten them", () => {
    expect(lossScale(columns)).toBe(0.5);
    expect(lossScale(decisionColumns(aDecision({ options: [anOption(9, "soft", 9), anOption(10, "hard", 0)], best: 1 }), null))).toBe(3);
  });

  it("gives more ink to more chance, and all of it from 60 %", () => {
    const inks = [0, 0.01, 0.1, 0.3, 0.6, 1].map(ink);
    expect(inks).toEqual(inks.toSorted((a, b) => a - b));
    expect(inks.at(-2)).toBe(1);
    expect(inks.at(-1)).toBe(1);
  });
});
