import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { aCar, aSnapshot } from "../testing/frames";
import { renderRace } from "../testing/page";
import { Messages } from "./Messages";
import { Tower } from "./Tower";

const rowOf = (car: string) => screen.getByRole("rowheader", { name: car }).closest("tr")!;
const cellsOf = (car: string) => [...rowOf(car).children].map((cell) => cell.textContent);

describe("the timing tower", () => {
  it("is a table with column and row headers, in running order", () => {
    renderRace(<Tower />);
    const table = screen.getByRole("table", { name: /running order/i });
    const heads = within(table).getAllByRole("columnheader").map((head) => head.textContent);
    expect(heads).toEqual(["P", "Car", "Driver", "Gap", "Int", "Last", "Tyre", "St", "Status"]);
    expect(within(table).getAllByRole("rowheader").map((head) => head.textContent)).toEqual(["VER", "HAM", "LEC"]);
    expect([...table.querySelectorAll("th")].every((head) => head.scope === "col" || head.scope === "row")).toBe(true);
  });

  it("shows a car as the pit wall reads it", () => {
    const { say } = renderRace(<Tower />);
    const cars = [
      aCar("VER", 1, { gap_s: 0 }),
      aCar("HAM", 2, { interval_s: 0.7, compound: "hard", tyre_age: null, status: "in_pit", stops: 1 }),
      aCar("LEC", 3, { laps_down: 1, gap_s: 95 }),
      aCar("MAG", 4, { status: "retired" }),
    ];
    say(aSnapshot({ cars }));
    expect(cellsOf("VER")).toEqual(["1", "VER", "Driver VER Team VER", "Leader", "", "1:32.456", "M18", "0", ""]);
    expect(cellsOf("HAM")).toEqual(["2", "HAM", "Driver HAM Team HAM", "+2.5", "+0.7", "1:32.456", "H–", "1", "Pit"]);
    expect(cellsOf("LEC")[3]).toBe("+1 lap");
    expect(cellsOf("MAG").slice(3, 6)).toEqual(["", "", ""]);
    expect(cellsOf("MAG")[8]).toBe("Out");
    expect(within(rowOf("HAM")).getByRole("img", { name: "hard" })).toBeTruthy();
  });

  it("chooses a car by a click anywhere in its row", async () => {
    const { pitwall } = renderRace(<Tower />);
    await userEvent.click(within(rowOf("HAM")).getByText("+2.5", { selector: "td:nth-child(4)" }));
    expect(pitwall.store.getState().car).toBe("HAM");
    expect(screen.getByRole("button", { name: "HAM" }).getAttribute("aria-pressed")).toBe("true");
    expect(screen.getByRole("button", { name: "LEC" }).getAttribute("aria-pressed")).toBe("false");
  });

  it("chooses a car by keyboard: arrows walk, Enter takes", async () => {
    const { pitwall } = renderRace(<Tower />);
    screen.getByRole("button", { name: "VER" }).focus();
    await userEvent.keyboard("{ArrowDown}{ArrowDown}{ArrowDown}{ArrowUp}");
    expect(document.activeElement?.textContent).toBe("HAM");
    await userEvent.keyboard("{Enter}");
    expect(pitwall.store.getState().car).toBe("HAM");
  });

  it("lists what race control said, newest first", () => {
    const { say } = renderRace(<Messages />);
    expect(screen.queryByRole("list")).toBeNull();
    say(aSnapshot({ messages: [{ t_s: 0, text: "Lights out" }, { t_s: 1800, text: "Safety car deployed" }] }));
    const items = screen.getAllByRole("listitem").map((item) => item.textContent);
    expect(items).toEqual(["0:30:00 Safety car deployed", "0:00:00 Lights out"]);
  });
});
