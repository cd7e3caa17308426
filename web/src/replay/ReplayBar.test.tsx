import { act, fireEvent, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aReplay, aSnapshot } from "../testing/frames";
import { renderRace } from "../testing/page";
import { ReplayBar } from "./ReplayBar";

const slider = () => screen.getByRole<HTMLInputElement>("slider", { name: "Lap" });
const moved = (lap: number) => ({ type: "race.delta", race: "demo", changes: {}, cars: [], replay: aReplay({ lap }) });

describe("the replay bar", () => {
  it("is not there in a live race", () => {
    const { say } = renderRace(<ReplayBar />);
    expect(slider()).toBeTruthy();
    say(aSnapshot({}, null));
    expect(screen.queryByRole("slider")).toBeNull();
  });

  it("plays, pauses and changes speed", async () => {
    const { server, say } = renderRace(<ReplayBar />);
    await userEvent.click(screen.getByRole("button", { name: "Play" }));
    say(aSnapshot({}, { playing: true }));
    await userEvent.click(screen.getByRole("button", { name: "Pause" }));
    await userEvent.selectOptions(screen.getByRole("combobox", { name: "Replay speed" }), "20×");
    expect(server.got("replay.control").map(({ action, speed }) => [action, speed])).toEqual([
      ["play", undefined],
      ["pause", undefined],
      ["speed", 20],
    ]);
  });

  it("starts over at the end", async () => {
    const { server, say } = renderRace(<ReplayBar />);
    say(aSnapshot({}, { ended: true, lap: 56 }));
    await userEvent.click(screen.getByRole("button", { name: "Replay from the grid" }));
    expect(server.got("replay.control").map(({ action, lap }) => [action, lap])).toEqual([["seek", 0], ["play", undefined]]);
  });

  it("offers a speed that somebody else chose", () => {
    const { say } = renderRace(<ReplayBar />);
    say(aSnapshot({}, { speed: 0.5 }));
    expect(screen.getByRole<HTMLSelectElement>("combobox").selectedOptions[0]?.textContent).toBe("0.5×");
  });

  describe("scrubbing", () => {
    beforeEach(() => vi.useFakeTimers());
    afterEach(() => vi.useRealTimers());

    it("asks only for the lap on which a drag rests, and shows it until the replay is there", () => {
      const { server, say } = renderRace(<ReplayBar />);
      expect(slider().getAttribute("aria-valuetext")).toBe("Lap 20 of 56");
      for (const lap of ["21", "27", "33"]) fireEvent.change(slider(), { target: { value: lap } });
      say(moved(20));
      expect(slider().value).toBe("33");
      act(() => vi.advanceTimersByTime(200));
      expect(server.got("replay.control").map(({ lap }) => lap)).toEqual([33]);
      expect(slider().value).toBe("33");
      say(moved(32));
      expect(slider().value).toBe("32");
    });

    it("calls lap 0 the grid", () => {
      const { say } = renderRace(<ReplayBar />);
      say(moved(0));
      expect(slider().getAttribute("aria-valuetext")).toBe("Grid of 56");
      expect(screen.getByText("Grid")).toBeTruthy();
    });
  });
});
