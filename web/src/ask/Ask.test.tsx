import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { aBreakEven, aCall, aCar, aContingency, aDecision, aDelta, anAnswer, anError, anOption, aSnapshot, MODEL } from "../testing/frames";
import { renderLive, renderRace } from "../testing/page";
import { Answer } from "./Answer";
import { AskBox } from "./AskBox";
import { Source } from "./Source";
import { SUGGESTIONS } from "./suggestions";

const parts = (
  <>
    <AskBox />
    <Answer />
    <Source />
  </>
);
const box = () => screen.getByRole<HTMLInputElement>("textbox", { name: "Ask the pit wall" });
const radio = () => screen.getByRole("status").textContent;
const answer = () => screen.getByRole("region", { name: "Answer" });
const press = (name: string | RegExp) => userEvent.click(screen.getByRole("button", { name }));

async function ask(text = "When should I pit?") {
  const page = renderRace(parts);
  await userEvent.type(box(), `${text}{Enter}`);
  return page;
}

describe("asking", () => {
  it("sends what is typed with Enter, for the chosen car, and clears the box", async () => {
    const { server } = await ask();
    expect(server.got("ask")).toEqual([{ type: "ask", id: server.asked, text: "When should I pit?", race: "demo", car: "LEC" }]);
    expect(box().value).toBe("");
  });

  it("sends no empty question", async () => {
    const { server } = await ask("   ");
    expect(server.got("ask")).toEqual([]);
  });

  it.each(SUGGESTIONS)("asks a suggestion at a click: %s", async (text) => {
    const { server } = renderRace(parts);
    await press(text);
    expect(server.got("ask")).toMatchObject([{ text }]);
  });

  it("gets the keyboard with /, but not out of a field", async () => {
    renderRace(parts);
    await userEvent.keyboard("/");
    expect(document.activeElement).toBe(box());
    await userEvent.keyboard("a/b");
    expect(box().value).toBe("a/b");
  });

  it("chooses the car without the tower", async () => {
    const { server } = renderRace(parts, "?race=demo");
    await userEvent.selectOptions(screen.getByRole("combobox", { name: "Car" }), "HAM");
    await press("Why?");
    expect(server.got("ask")).toMatchObject([{ car: "HAM" }]);
  });

  it("is possible without a car, which the words may name", async () => {
    const { server } = renderRace(parts, "?race=demo");
    await userEvent.type(box(), "When should Hamilton pit?{Enter}");
    expect(server.got("ask")[0]).not.toHaveProperty("car");
  });

  it("is not possible without a link", async () => {
    renderLive(parts);
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Ask" }).disabled).toBe(true);
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Why?" }).disabled).toBe(true);
  });
});

describe("an answer", () => {
  it("streams: first the leading call with its progress, then the words", async () => {
    const { server, say } = await ask();
    expect(answer().textContent).toContain("Asking…");
    say(aCall(server.asked, "advise", { car: "LEC", lap: 20 }));
    expect(answer().textContent).toContain("Working: advise…");
    say(aCall(server.asked, "what_if", { car: "LEC", lap: 20 }));
    expect(answer().textContent).toContain("Working: what if…");
    say(aDelta(server.asked, { draws: 64, resolved: false }, "screen"));
    expect(answer().textContent).toContain("Screening 6 calls, 64 races for each still in play");
    expect(answer().textContent).toContain("leading so far");
    say(aDelta(server.asked));
    expect(answer().textContent).toContain("Box lap 24");
    expect(radio()).toBe("Refining…");
    say(anAnswer(server.asked));
    expect(radio()).toBe("Box lap 24 for hards.");
    expect(answer().textContent).toContain("The mediums are 18 laps old.");
    expect(answer().textContent).toContain("Resolved");
    expect(answer().textContent).toContain("in 3 laps");
  });

  it("is said in the one polite live region of the page", async () => {
    const { server, say } = await ask();
    say(anAnswer(server.asked));
    const regions = document.querySelectorAll("[aria-live]");
    expect(regions).toHaveLength(1);
    expect(regions[0]?.getAttribute("aria-live")).toBe("polite");
  });

  it("shows what the call is worth", async () => {
    const { server, say } = await ask();
    const far = [anOption(27, "hard", 0.31, { standard_error: 0.03 })];
    say(anAnswer(server.asked, { decision: aDecision({ options: [...aDecision().options, ...far] }) }));
    const facts = [...answer().querySelectorAll("dl div")].map((fact) => fact.textContent?.trim());
    expect(facts).toEqual([
      "Mean finishP1.80 ± 0.05",
      "Most likelyP1 40 %",
      "Podium100 %",
      "Comes outP3",
      "Pit windowLaps 23–24",
      "3 laps later costs0.31 places ± 0.06",
    ]);
  });

  it("shows what the goal is about, between whom the stop comes out, and the price of one lap", async () => {
    const { server, say } = await ask();
    const best = anOption(24, "hard", 0, {
      utility: 0.256,
      rejoin_ahead: "NOR",
      rejoin_gap_ahead_s: 1.24,
      rejoin_behind: "GAS",
      rejoin_gap_behind_s: 0.8,
      wait_cost: 0.021,
      wait_cost_error: 0.004,
    });
    const utility = { goal: "win", target: 10, tail: 0.2, zone: 0.01 } as const;
    say(anAnswer(server.asked, { decision: aDecision({ options: [best], best: 0, utility }) }));
    const facts = [...answer().querySelectorAll("dl div")].map((fact) => fact.textContent?.trim());
    expect(facts[0]).toBe("Win25.6 %");
    expect(facts).toContain("Comes outP3 1.2 s behind NOR, 0.8 s ahead of GAS");
    expect(facts).toContain("1 lap later costs2.1 % points ± 0.8");
  });

  it("names a car once that the stop comes out around", async () => {
    const { server, say } = await ask();
    const around = { rejoin_ahead: "NOR", rejoin_gap_ahead_s: 5.57, rejoin_behind: "NOR", rejoin_gap_behind_s: 5.1 };
    say(anAnswer(server.asked, { decision: aDecision({ options: [anOption(24, "hard", 0, around)], best: 0 }) }));
    const facts = [...answer().querySelectorAll("dl div")].map((fact) => fact.textContent?.trim());
    expect(facts).toContain("Comes outP3 around NOR: 5.6 s behind or 5.1 s ahead");
  });

  it("says which calls are as good", async () => {
    const { server, say } = await ask();
    say(anAnswer(server.asked, { decision: aDecision({ tied: [1] }) }));
    expect(answer().textContent).toContain("Resolved, level with lap 23, hard");
    const options = [anOption(24, "hard", 0), anOption(30, "soft", 0.01)];
    await userEvent.type(box(), "Lap 24 or lap 30?{Enter}");
    say(anAnswer(server.asked, { tool: "compare", decision: aDecision({ tied: [1], options, best: 0 }) }));
    expect(answer().textContent).toContain("Cannot be told apart from lap 30, soft");
    expect(answer().querySelector(".unresolved")).toBeTruthy();
  });

  it("says in a table what would change the call", async () => {
    const { server, say } = await ask();
    const contingencies = [aContingency(), aContingency({ event: "rival_boxes", rival: "HAM", changes: false })];
    const wear = aBreakEven({ parameter: "wear", now: 1, value: 0.8, low: null, high: 0.9, tried_low: 0.6, tried_high: 1.6 });
    const cautions = aBreakEven({ parameter: "caution_rate", now: 1, value: null, low: null, high: null, tried_low: 0.6, tried_high: 1.6 });
    const open = aBreakEven({ high: null });
    const unsure = { ...wear, high: null };
    say(anAnswer(server.asked, { decision: aDecision({ contingencies, break_evens: [open, wear, unsure, cautions] }) }));
    const outlook = screen.getByRole("region", { name: "What would change the call" });
    const rows = within(outlook).getAllByRole("row").map((row) => [...row.children].map((cell) => cell.textContent));
    expect(rows).toEqual([
      ["If", "Then", "Note"],
      ["Safety car now", "lap 21, soft", "0.80 places better ±\u00a00.10"],
      ["HAM boxes now", "stands", ""],
      ["If", "Then", "Note"],
      ["Pit loss above 26.0\u00a0s", "lap 23, hard", "now 20.0\u00a0s, 95 %: 24.0\u00a0s or more"],
      ["Tyre wear below 0.80\u00a0×", "lap 23, hard", "now 1.00\u00a0×, 95 %: up to 0.90\u00a0×"],
      ["Tyre wear below 0.80\u00a0×", "lap 23, hard", "now 1.00\u00a0×, 95 %: anything from 0.60\u00a0× to 1.60\u00a0×"],
      ["Safety cars 0.60–1.60\u00a0×", "stands", "now 1.00\u00a0×"],
    ]);
    expect(within(outlook).getAllByRole("rowheader")).toHaveLength(6);
  });

  it("has no such table before the final decision", async () => {
    const { server, say } = await ask();
    say(aDelta(server.asked));
    expect(screen.queryByRole("region", { name: "What would change the call" })).toBeNull();
  });

  it("says what it cannot tell apart", async () => {
    const { server, say } = await ask();
    say(anAnswer(server.asked, { decision: aDecision({ resolved: false }) }));
    expect(answer().textContent).toContain("Cannot be told apart from lap 23, hard");
  });

  it("says stay out when that is the call", async () => {
    const { server, say } = await ask();
    const options = [anOption(24, "hard", 0.8), anOption(null, null, 0)];
    const decision = aDecision({ action: "stay", lap: null, compound: null, options, best: 1 });
    say(anAnswer(server.asked, { decision }));
    expect(answer().textContent).toContain("Stay out");
    expect(answer().textContent).not.toContain("Pit window");
    expect(answer().textContent).toContain("Best stop costs0.80 places ± 0.04");
  });

  it("says where it comes from: model, seed, lap, age, assumptions, time per hop", async () => {
    const { server, say } = await ask();
    say(anAnswer(server.asked));
    const source = screen.getByText(MODEL).closest("footer")?.textContent;
    for (const part of ["lap 20", "data 0.4 s old", "1\u202f024 races", "1 assumption", "Seed42", "4bf92f3577b34da6", "mediums assumed"])
      expect(source).toContain(part);
    for (const part of ["120 ms", "orchestrator 4.0 ms", "model server 16 ms", "sim worker 100 ms"]) expect(source).toContain(part);
  });

  it("grows old with the race, and says so", async () => {
    const { server, say, drop } = await ask();
    say(anAnswer(server.asked));
    say(aSnapshot({ lap: 23, cars: [aCar("LEC", 1, { lap: 23 })] }));
    expect(answer().textContent).toContain("3 laps old");
    expect(answer().textContent).toContain("this lap");
    say(aSnapshot({ lap: 24, cars: [aCar("LEC", 1, { lap: 24 })] }));
    expect(answer().textContent).toContain("lap passed, ask again");
    say(aSnapshot({ lap: 10, cars: [aCar("LEC", 1, { lap: 10 })] }));
    expect(answer().textContent).toContain("From a later lap");
    drop();
    expect(answer().textContent).toContain("Old: link lost");
    expect(radio()).toBe("Box lap 24 for hards.");
  });
});

describe("a question that fails", () => {
  it("can be asked again when that may help", async () => {
    const { server, say, pitwall } = await ask();
    const first = server.asked;
    say(anError(first, "SimulatorUnavailable", true, "No sim worker answered."));
    expect(radio()).toBe("No sim worker answered.");
    pitwall.choose("VER");
    await press("Retry");
    expect(server.asked).not.toBe(first);
    expect(server.got("ask").at(-1)).toMatchObject({ text: "When should I pit?", car: "LEC" });
    say(anAnswer(server.asked));
    expect(radio()).toBe("Box lap 24 for hards.");
  });

  it("offers no retry when that cannot help", async () => {
    const { server, say } = await ask();
    say(anError(server.asked, "NotUnderstood", false, "I found no question in this."));
    expect(radio()).toBe("I found no question in this.");
    expect(screen.queryByRole("button", { name: "Retry" })).toBeNull();
  });

  it("is taken back by its button or by Escape", async () => {
    const { server, say } = await ask();
    await userEvent.keyboard("{Escape}");
    expect(server.got("cancel")).toEqual([{ type: "cancel", id: server.asked }]);
    expect(answer().textContent).toContain("Cancelling…");
    say(anError(server.asked, "Cancelled", false));
    expect(radio()).toBe("Question cancelled.");
    await press("Ask again");
    await press(/Cancel/);
    expect(server.got("cancel")).toHaveLength(2);
  });

  it("lets Escape do nothing when nothing runs", async () => {
    const { server, say } = await ask();
    say(anAnswer(server.asked));
    await userEvent.keyboard("{Escape}");
    expect(server.got("cancel")).toEqual([]);
  });
});
