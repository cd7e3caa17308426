import { act, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { aDecision, anOption, aDelta, aForecast, anAnswer } from "../testing/frames";
import { renderRace } from "../testing/page";
import { OddsChart } from "./OddsChart";

const map = (name = "Call") => screen.getByRole("slider", { name });
const says = (name?: string) => map(name).getAttribute("aria-valuetext");
const cells = (row: HTMLElement) => within(row).getAllByRole("cell").map((cell) => cell.textContent);

function answered(news: object = {}) {
  const page = renderRace(<OddsChart />);
  page.pitwall.ask("When should I pit?");
  page.say(anAnswer(page.server.asked, news));
  return page;
}

describe("the odds chart", () => {
  it("says what comes here before there is anything", () => {
    const { pitwall } = renderRace(<OddsChart />, "?race=demo");
    expect(screen.getByText(/Choose a car/)).toBeTruthy();
    act(() => pitwall.choose("HAM"));
    expect(screen.getByText(/Ask when HAM should pit/)).toBeTruthy();
    act(() => pitwall.ask("When should I pit?"));
    expect(screen.getByText("Playing the rest of the race…")).toBeTruthy();
  });

  it("refines while the answer is made, with its draws counted", () => {
    const { server, pitwall, say } = renderRace(<OddsChart />);
    pitwall.ask("When should I pit?");
    say(aDelta(server.asked, { draws: 64 }, "screen"));
    expect(screen.getByText("64").parentElement?.textContent).toBe("64 races per call");
    say(aDelta(server.asked, { draws: 4096 }));
    expect(screen.getByText("4 096").parentElement?.textContent).toContain("races per call");
  });

  it("starts at the best call and reads it as a sentence", () => {
    answered();
    expect(says()).toBe("Box lap 24, hard: mean position 1.80, 0.00 places lost, P1 40 %");
    expect(map().querySelector(".frame")).toBeTruthy();
  });

  it("counts what is lost in the unit of the goal", async () => {
    const { server, pitwall, say } = renderRace(<OddsChart />);
    pitwall.ask("When should I pit to win?");
    const options = [anOption(24, "hard", 0), anOption(25, "hard", 0.06, { standard_error: 0.01 })];
    const utility = { goal: "win", target: 10, tail: 0.2, zone: 0.01 } as const;
    say(anAnswer(server.asked, { decision: aDecision({ options, best: 0, utility }) }));
    map().focus();
    await userEvent.keyboard("{ArrowRight}");
    expect(says()).toContain("6.0 % points lost");
    expect(screen.getByText("bars: % points lost against the best")).toBeTruthy();
    await userEvent.click(screen.getByRole("button", { name: "As table" }));
    expect(screen.getByRole("columnheader", { name: "% points lost" })).toBeTruthy();
    expect(screen.getByText("6.0 ± 2.0")).toBeTruthy();
  });

  it("is walked by keyboard, call by call and place by place", async () => {
    answered();
    map().focus();
    await userEvent.keyboard("{ArrowRight}{ArrowDown}");
    expect(says()).toContain("Box lap 25, medium: mean position 2.10, 0.30 places lost, P2 40 %");
    await userEvent.keyboard("{End}");
    expect(says()).toContain("Stay out: mean position");
    await userEvent.keyboard("{ArrowRight}{Home}{ArrowLeft}");
    expect(says()).toContain("Box lap 23");
    expect(map().getAttribute("aria-valuenow")).toBe("1");
  });

  it("shows one tyre at a time on demand", async () => {
    answered();
    await userEvent.click(screen.getByRole("radio", { name: "hard" }));
    map().focus();
    await userEvent.keyboard("{Home}{ArrowRight}{ArrowRight}");
    expect(says()).toBe("Box lap 25: not a legal call on this tyre");
    expect(screen.queryByRole("radio", { name: "soft" })).toBeNull();
  });

  it("has a twin: the same numbers as a table", async () => {
    answered();
    await userEvent.click(screen.getByRole("button", { name: "As table" }));
    const [head, ...rows] = screen.getAllByRole("row");
    const heads = within(head!).getAllByRole("columnheader").map((each) => each.textContent);
    expect(heads).toEqual(["Call", "Tyre", "Mean position", "Places lost", "Comes out", "Races", "P1", "P2", "P3"]);
    expect(rows.map((row) => within(row).getByRole("rowheader").textContent)).toEqual([
      "Box lap 23",
      "Box lap 24",
      "Box lap 25",
      "Stay out",
    ]);
    expect(cells(rows[2]!)).toEqual(["medium", "2.10 ± 0.05", "0.30 ± 0.04", "P3", "1\u202f024", "40 %", "40 %", "20 %"]);
    expect(cells(rows[3]!)[0]).toBe("–");
    expect(screen.queryByRole("slider")).toBeNull();
  });

  it("shows a forecast with a column per car", async () => {
    answered({ tool: "forecast", decision: null, forecast: aForecast() });
    expect(says("Car")).toBe("LEC: mean position 2.10, P2 60 %");
    expect(screen.queryByRole("radio")).toBeNull();
    await userEvent.click(screen.getByRole("button", { name: "As table" }));
    expect(cells(screen.getAllByRole("row")[1]!)).toEqual(["1.30 ± 0.03", "2\u202f048", "80 %", "10 %", "10 %"]);
  });

  it("keeps the last chart when a question has none, and says whose it is", () => {
    const { pitwall, say, server } = answered();
    pitwall.ask("Who is leading?");
    say(anAnswer(server.asked, { tool: "standings", decision: null }));
    expect(says()).toContain("Box lap 24");
    expect(screen.getByText("When should I pit? LEC, lap 20")).toBeTruthy();
  });
});
