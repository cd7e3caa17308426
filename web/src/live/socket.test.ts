import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeServer } from "../testing/fake-server";
import { anError, aWelcome } from "../testing/frames";
import type { Frame } from "../wire/frame";
import { connect } from "./socket";
import type { Link } from "./state";

const draining = { type: "draining", reason: "restart" };

function start(random = () => 1) {
  const server = new FakeServer();
  const links: Link[] = [];
  const frames: Frame[] = [];
  const broken: string[] = [];
  const connection = connect({
    url: "ws://test/ws",
    open: server.open,
    random,
    onLink: (link) => links.push(link),
    onFrame: (frame) => frames.push(frame),
    onBroken: (detail) => broken.push(detail),
  });
  return { server, links, frames, broken, connection };
}

/** The link breaks, and the next one stands. */
function reconnect(server: FakeServer) {
  server.drop();
  vi.runOnlyPendingTimers();
  server.accept();
}

describe("the connection", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it("says hello first, and nothing before it is welcome", () => {
    const { server, connection } = start();
    expect(connection.send({ type: "follow", race: "demo" })).toBe(false);
    server.accept();
    expect(connection.send({ type: "follow", race: "demo" })).toBe(false);
    server.say(aWelcome());
    expect(connection.send({ type: "follow", race: "demo" })).toBe(true);
    expect(server.received).toEqual([
      { type: "hello", version: 1 },
      { type: "follow", race: "demo" },
    ]);
  });

  it("resumes the session after the last frame that it saw", () => {
    const { server, links } = start();
    server.accept();
    server.say(aWelcome());
    server.say(draining);
    reconnect(server);
    expect(server.got("hello").at(-1)).toEqual({ type: "hello", version: 1, resume: "token-1", last_seq: 2 });
    server.say(aWelcome({ resumed: true }), 2);
    expect(links).toEqual(["live", "lost", "live"]);
  });

  it("passes on what was missed once, and nothing twice", () => {
    const { server, frames } = start();
    server.accept();
    server.say(aWelcome());
    server.say(draining);
    reconnect(server);
    server.say(aWelcome({ resumed: true }), 2);
    server.say(draining, 2);
    server.say(draining, 3);
    expect(frames.map((frame) => `${frame.type} ${frame.seq}`)).toEqual(["welcome 1", "draining 2", "welcome 2", "draining 3"]);
  });

  it("misses nothing when a resumed welcome has a number of its own", () => {
    const { server, frames } = start();
    server.accept();
    server.say(aWelcome());
    reconnect(server);
    server.say(aWelcome({ resumed: true }), 5);
    server.say(draining, 2);
    expect(frames.at(-1)).toMatchObject({ type: "draining", seq: 2 });
  });

  it("counts anew in a new session", () => {
    const { server, frames } = start();
    server.accept();
    server.say(aWelcome(), 50);
    reconnect(server);
    server.say(aWelcome({ session: "token-2" }), 1);
    server.say(draining, 2);
    expect(frames.at(-1)).toMatchObject({ type: "draining", seq: 2 });
    reconnect(server);
    expect(server.got("hello").at(-1)).toMatchObject({ resume: "token-2", last_seq: 2 });
  });

  it("shows why a hello was refused, whatever its number", () => {
    const { server, frames } = start();
    server.accept();
    server.say(aWelcome(), 50);
    reconnect(server);
    server.say(anError(null, "Overloaded", true), 1);
    expect(frames.at(-1)).toMatchObject({ type: "error", error: "Overloaded" });
  });

  it("waits longer after each failure, at most ten seconds, and less after a welcome", () => {
    const { server } = start();
    const pauses = Array.from({ length: 7 }, () => {
      server.drop();
      const before = Date.now();
      vi.runOnlyPendingTimers();
      return Date.now() - before;
    });
    expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
    server.accept();
    server.say(aWelcome());
    server.drop();
    vi.advanceTimersByTime(500);
    expect(server.urls).toHaveLength(9);
  });

  it("spreads its tries over the whole pause", () => {
    const { server } = start(() => 0.25);
    server.drop();
    vi.advanceTimersByTime(124);
    expect(server.urls).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(server.urls).toHaveLength(2);
  });

  it("lives on after a frame that it cannot read", () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const { server, frames, broken } = start();
    server.accept();
    server.say(aWelcome());
    server.raw("{");
    server.say({ type: "draining" });
    server.say(draining);
    expect(broken).toEqual(["frame: JSON expected", "draining.reason: text expected"]);
    expect(frames.at(-1)?.type).toBe("draining");
  });

  it("does not come back once closed", () => {
    const { server, connection, links } = start();
    connection.close();
    vi.runAllTimers();
    expect(server.urls).toHaveLength(1);
    expect(links).toEqual([]);
  });
});
