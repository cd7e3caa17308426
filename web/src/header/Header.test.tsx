import { act, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it, vi } from "vitest";
import { aSnapshot, aWelcome } from "../testing/frames";
import { renderLive, renderRace } from "../testing/page";
import { Header } from "./Header";

const both = { races: [...aWelcome().races, { ...aWelcome().races[0], id: "2019-12", name: "Hungary" }] };

describe("the header", () => {
  afterEach(() => vi.useRealTimers());

  it("says race, lap and flag in words", () => {
    const { say } = renderRace(<Header />);
    expect(screen.getByText("Demo Grand Prix")).toBeTruthy();
    expect(screen.getByText("20").parentElement?.textContent).toBe("Lap 20 / 56");
    expect(screen.getByText("Green flag")).toBeTruthy();
    for (const [track, words] of [["yellow", "Yellow flag"], ["vsc", "Virtual safety car"], ["safety_car", "Safety car"], ["red", "Red flag"]]) {
      say({ type: "race.delta", race: "demo", changes: { track }, cars: [] });
      expect(screen.getByText(words!)).toBeTruthy();
    }
    say({ type: "race.delta", race: "demo", changes: { finished: true, wet: true }, cars: [] });
    expect(screen.getByText("Chequered flag")).toBeTruthy();
    expect(screen.getByText("Wet")).toBeTruthy();
  });

  it("says how old the data of a moving race is, and when the link is lost", () => {
    vi.useFakeTimers();
    const { say, drop } = renderRace(<Header />);
    expect(screen.getByText("Connected")).toBeTruthy();
    say(aSnapshot({}, { playing: true }));
    expect(screen.getByText("Live, data 0 s old")).toBeTruthy();
    act(() => vi.advanceTimersByTime(12_000));
    expect(screen.getByText("Live, data 12 s old").className).toContain("link-warn");
    drop();
    expect(screen.getByText("Link lost, data 12 s old")).toBeTruthy();
  });

  it("connects before it is connected", () => {
    renderLive(<Header />);
    expect(screen.getByText("Connecting…")).toBeTruthy();
  });

  it("switches between races, and back to the list", async () => {
    const { server, accept, say, pitwall } = renderLive(<Header />, "?race=demo");
    accept();
    say(aWelcome(both), aSnapshot());
    await userEvent.selectOptions(screen.getByRole("combobox", { name: "Race" }), "Hungary");
    expect(server.got("follow").at(-1)).toMatchObject({ race: "2019-12" });
    await userEvent.selectOptions(screen.getByRole("combobox", { name: "Race" }), "All races…");
    expect(pitwall.store.getState().raceId).toBeNull();
  });
});
