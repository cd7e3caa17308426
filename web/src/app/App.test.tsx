import { act, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import { anAnswer, anError, aSnapshot, aWelcome } from "../testing/frames";
import { renderLive, renderRace } from "../testing/page";
import { App } from "./App";

const both = { races: [...aWelcome().races, { ...aWelcome().races[0], id: "2019-12", name: "Hungary", live: true }] };

describe("the page", () => {
  beforeEach(() => history.replaceState(null, "", "/"));

  it("says that it connects, then that there is no race and how to get one", () => {
    const { accept, say } = renderLive(<App />);
    expect(screen.getByText("Connecting to the pit wall…")).toBeTruthy();
    accept();
    say(aWelcome({ races: [] }));
    expect(screen.getByText("No races here yet")).toBeTruthy();
    expect(screen.getByText(/pitcall race import/)).toBeTruthy();
  });

  it("lets choose among several races", async () => {
    const { accept, say, server } = renderLive(<App />);
    accept();
    say(aWelcome(both));
    await userEvent.click(screen.getByRole("button", { name: /Hungary/ }));
    expect(server.got("follow")).toMatchObject([{ race: "2019-12" }]);
    expect(screen.getByText("Opening the race…")).toBeTruthy();
    expect(location.search).toBe("?race=2019-12");
  });

  it("keeps race, car, lap and question in its address", async () => {
    const { server, say } = renderRace(<App />, "?race=demo");
    await userEvent.click(screen.getByRole("button", { name: "HAM" }));
    expect(location.search).toBe("?race=demo&car=HAM");
    await userEvent.click(screen.getByRole("button", { name: "Which tyre?" }));
    say(anAnswer(server.asked));
    expect(location.search).toBe("?race=demo&car=HAM&lap=20&ask=Which+tyre%3F");
    await userEvent.click(screen.getByRole("button", { name: "LEC" }));
    expect(location.search).toBe("?race=demo&car=LEC&lap=20");
  });

  it("has a title that says how the race stands", () => {
    renderRace(<App />);
    expect(document.title).toBe("LEC P3 · L20/56 · Demo Grand Prix · Pitcall");
  });

  it("keeps what it knew when the link is lost, and says that it is old", () => {
    const { drop } = renderRace(<App />);
    drop();
    expect(screen.getByRole("alert").textContent).toBe("Link lost, reconnecting. What you see is old: it stands at lap 20.");
    expect(screen.getByRole("table")).toBeTruthy();
  });

  it("tells of a problem that belongs to no question, until it is dismissed", async () => {
    const { say } = renderRace(<App />);
    say(anError(null, "InvalidRequest", false, "lap 99: race demo has 56 laps"));
    expect(screen.getByRole("alert").textContent).toContain("lap 99");
    await userEvent.click(screen.getByRole("button", { name: "Dismiss" }));
    expect(screen.getByRole("alert").textContent).toBe("");
  });

  it("asks the question of a link by itself", () => {
    const { server } = renderLive(<App />, "?race=demo&car=LEC&lap=20&ask=Which+tyre%3F");
    act(() => server.accept());
    act(() => server.say(aWelcome()));
    act(() => server.say(aSnapshot()));
    expect(server.got("ask")).toMatchObject([{ text: "Which tyre?", car: "LEC", lap: 20 }]);
  });
});
