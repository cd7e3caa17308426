import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { anAnswer, MODEL } from "../testing/frames";
import { renderRace } from "../testing/page";
import { Source } from "./Source";
import { skillWords } from "./skill";

const band = (level: number, held: number) => ({ level, held, expected: 0.84, low: 0.66, high: 0.87 });
const figure = (news: object = {}) => ({
  model: MODEL,
  live: false,
  calls: 80,
  waiting: 6,
  followed: 54,
  races: 9,
  cars: 20,
  bands: [band(0.5, 0.51), band(0.8, 0.78), band(0.9, 0.9)],
  ...news,
});
const none = { calls: 3, waiting: 3, followed: 0, races: 0, cars: 0, bands: [] };

const words = (...models: ReturnType<typeof figure>[]) => skillWords({ models, degraded: false }, MODEL)[0];

function answered(skill: object | null, news: object = {}) {
  const page = renderRace(<Source />);
  if (skill) page.server.skill = skill;
  page.pitwall.ask("When should I pit?");
  page.say(anAnswer(page.server.asked, news));
  return page;
}

describe("how good the calls were", () => {
  it("stands beside an answer in one line, with its interval", async () => {
    answered({ models: [figure()], degraded: false });
    expect(await screen.findByText("80 % bands held 78 % of the time over 54 followed calls in 9 replayed races")).toBeTruthy();
    expect(screen.getByText("95 %: 66 % to 87 %; 84 % expected")).toBeTruthy();
    expect(screen.queryByText("Calls are not being stored")).toBeNull();
  });

  it("says that nothing is graded yet instead of a figure", async () => {
    answered({ models: [figure(none)], degraded: true });
    expect(await screen.findByText("No call of this model has been graded yet")).toBeTruthy();
    expect(screen.getByText("3 calls not graded: pitcall race grade")).toBeTruthy();
    expect(screen.getByText("Calls are not being stored")).toBeTruthy();
  });

  it("is left out where the server does not tell it", async () => {
    const page = answered({ models: [{ model: MODEL }], degraded: false });
    await waitFor(() => expect(page.server.read).toEqual(["/v1/skill"]));
    expect(screen.getByText(MODEL)).toBeTruthy();
    expect(page.pitwall.store.getState().skill).toBeNull();
    expect(screen.queryByText(/graded|bands/)).toBeNull();
  });

  it("is that of the model that answered, and of live races where there are any", () => {
    const other = figure({ model: "other@1", live: true });
    const live = figure({ live: true, followed: 1, races: 1, bands: [band(0.8, 1)] });
    expect(words(other, figure())).toContain("54 followed calls in 9 replayed races");
    expect(words(figure(), live)).toBe("80 % bands held 100 % of the time over 1 followed call in 1 race");
    expect(words(other)).toBe("No call of this model has been graded yet");
  });

  it("is not shown beside an answer that holds no call", async () => {
    const page = answered({ models: [figure()], degraded: false }, { decision: null });
    await waitFor(() => expect(page.pitwall.store.getState().skill).not.toBeNull());
    expect(screen.queryByText(/bands held/)).toBeNull();
  });
});
