import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeServer } from "../testing/fake-server";
import { aDelta, anAnswer, anError, aSnapshot, aWelcome } from "../testing/frames";
import { readAddress, writeAddress } from "./address";
import { PATIENCE_MS, Pitwall } from "./pitwall";
import { newest } from "./questions";

const two = { races: [...aWelcome().races, { ...aWelcome().races[0], id: "2019-12", name: "Hungary" }] };

function start(search = "", welcome: object = {}) {
  const server = new FakeServer();
  const pitwall = new Pitwall({ url: "ws://test/ws", address: readAddress(search), open: server.open, get: server.get, random: () => 1 });
  server.accept();
  server.say(aWelcome(welcome));
  return { server, pitwall, state: () => pitwall.store.getState(), link: () => writeAddress(pitwall.store.getState().address) };
}

/** The link breaks and comes back: with the old session, or with a new one. */
function reconnect(server: FakeServer, resumed: boolean) {
  server.drop();
  vi.advanceTimersByTime(500);
  server.accept();
  server.say(aWelcome({ resumed }), 1);
}

describe("the pit wall", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it("opens the only race by itself, and lets choose among several", () => {
    expect(start().server.got("follow")).toEqual([{ type: "follow", race: "demo" }]);
    expect(start("", two).server.got("follow")).toEqual([]);
  });

  it("opens the race, lap and car of a link, and asks its question once", () => {
    const { server, state, link } = start("?race=2019-12&car=LEC&lap=20&ask=Which+tyre%3F", two);
    expect(server.got("follow")).toEqual([{ type: "follow", race: "2019-12", car: "LEC", lap: 20 }]);
    expect(server.got("ask")).toEqual([]);
    server.say(aSnapshot({ id: "2019-12" }));
    server.say(aSnapshot({ id: "2019-12" }));
    expect(server.got("ask")).toEqual([
      { type: "ask", id: server.asked, text: "Which tyre?", race: "2019-12", car: "LEC", lap: 20 },
    ]);
    expect(newest(state())?.status).toBe("running");
    expect(link()).toBe("?race=2019-12&car=LEC&lap=20&ask=Which+tyre%3F");
  });

  it("says so when a link names a race that is not here", () => {
    const { server, state } = start("?race=1950-01&ask=Why%3F", two);
    expect(server.got("follow")).toEqual([]);
    expect(state().problem?.detail).toContain("1950-01");
  });

  it("asks about the chosen car at the present moment", () => {
    const { server, pitwall, link } = start();
    server.say(aSnapshot());
    pitwall.choose("HAM");
    pitwall.ask("  When should I pit? ");
    expect(server.got("ask")).toEqual([{ type: "ask", id: server.asked, text: "When should I pit?", race: "demo", car: "HAM" }]);
    expect(link()).toBe("?race=demo&car=HAM&lap=20&ask=When+should+I+pit%3F");
  });

  it("takes an open question back when another is asked", () => {
    const { server, pitwall, state } = start();
    server.say(aSnapshot());
    pitwall.ask("When should I pit?");
    const first = server.asked;
    pitwall.ask("Which tyre?");
    expect(server.got("cancel")).toEqual([{ type: "cancel", id: first }]);
    server.say(aDelta(server.asked));
    server.say(anError(first, "Cancelled", false));
    server.say(anAnswer(server.asked));
    expect(state().questions.map((question) => question.status)).toEqual(["failed", "done"]);
  });

  it("keeps a question that the link interrupts when the session is resumed", () => {
    const { server, pitwall, state } = start();
    server.say(aSnapshot());
    pitwall.ask("When should I pit?");
    const id = server.asked;
    reconnect(server, true);
    expect(newest(state())?.status).toBe("running");
    server.say(anAnswer(id), 9);
    expect(newest(state())?.status).toBe("done");
    expect(server.got("follow")).toHaveLength(1);
  });

  it("follows again and fails its open question in a new session; the old answer stays", () => {
    const { server, pitwall, state } = start();
    server.say(aSnapshot({}, { lap: 31 }));
    pitwall.ask("When should I pit?");
    server.say(anAnswer(server.asked));
    pitwall.ask("Why?");
    reconnect(server, false);
    expect(server.got("follow").at(-1)).toEqual({ type: "follow", race: "demo", lap: 31 });
    expect(state().questions.map((question) => question.status)).toEqual(["done", "failed"]);
    expect(newest(state())?.problem).toMatchObject({ error: "LinkLost", retryable: true });
  });

  it("fails a question at once when there is no link to send it on", () => {
    const { server, pitwall, state } = start();
    server.say(aSnapshot());
    server.drop();
    pitwall.ask("When should I pit?");
    expect(newest(state())).toMatchObject({ status: "failed", problem: { error: "NoLink", retryable: true } });
  });

  it("does not wait for ever", () => {
    const { server, pitwall, state } = start();
    server.say(aSnapshot());
    pitwall.ask("When should I pit?");
    vi.advanceTimersByTime(PATIENCE_MS);
    expect(newest(state())).toMatchObject({ status: "failed", problem: { retryable: true } });
  });

  it("controls the replay of its race and remembers where it stands", () => {
    const { server, pitwall, link } = start();
    server.say(aSnapshot());
    pitwall.control({ action: "speed", speed: 20 });
    pitwall.control({ action: "seek", lap: 33 });
    expect(server.got("replay.control")).toEqual([
      { type: "replay.control", race: "demo", action: "speed", speed: 20 },
      { type: "replay.control", race: "demo", action: "seek", lap: 33 },
    ]);
    expect(link()).toBe("?race=demo&lap=33");
  });

  it("seeks by the laps of the car that is chosen", () => {
    const { server, pitwall } = start();
    server.say(aSnapshot());
    pitwall.choose("HAM");
    pitwall.control({ action: "seek", lap: 20 });
    pitwall.control({ action: "play" });
    expect(server.got("replay.control")).toEqual([
      { type: "replay.control", race: "demo", action: "seek", lap: 20, car: "HAM" },
      { type: "replay.control", race: "demo", action: "play" },
    ]);
  });

  it("has no replay to control in a live race", () => {
    const { server, pitwall } = start();
    server.say(aSnapshot({}, null));
    pitwall.control({ action: "play" });
    expect(server.got("replay.control")).toEqual([]);
  });

  it("leaves one race for another, without its car and its answers", () => {
    const { server, pitwall, state } = start("?race=demo&car=LEC", two);
    server.say(aSnapshot());
    pitwall.ask("When should I pit?");
    pitwall.follow("2019-12");
    expect(server.got("unfollow")).toEqual([{ type: "unfollow", race: "demo" }]);
    expect(server.got("follow").at(-1)).toEqual({ type: "follow", race: "2019-12" });
    expect(state()).toMatchObject({ car: null, race: null });
    expect(newest(state())).toBeNull();
  });

  it("tells of a frame that it cannot read until that is dismissed", () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const { server, pitwall, state } = start();
    server.raw("{");
    expect(state().problem?.detail).toContain("cannot read");
    pitwall.dismiss();
    expect(state().problem).toBeNull();
    pitwall.close();
  });
});
