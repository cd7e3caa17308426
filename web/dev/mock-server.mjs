/**
 * A stand-in for the orchestrator on 127.0.0.1:8080, for work on the page: `npm run mock` beside `npm run dev`.
 * It speaks docs/reference/socket.md with made-up numbers. In a question, "fail" gives a retryable error, "refuse" one that is
 * not, "slow" an answer in 20 s and "drop" a lost link. MOCK_RACES=0 has no race, MOCK_RACES=1 only one.
 */
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { decision, forecast } from "./mock-odds.mjs";
import { makeRace, stateAt, timeOfLap } from "./mock-race.mjs";

const RACES = [makeRace("demo", "Demo Grand Prix", 56, 11), makeRace("2019-12", "Hungarian Grand Prix 2019", 70, 5)].slice(
  0,
  Number(process.env.MOCK_RACES ?? 2),
);
const band = (level, held) => ({ level, held, expected: level + 0.04, low: held - 0.12, high: Math.min(1, held + 0.08) });
const SKILL = {
  models: [{ model: "mock@1", live: false, calls: 80, waiting: 6, followed: 54, races: 9, cars: 20, bands: [band(0.5, 0.53), band(0.8, 0.78), band(0.9, 0.91)] }],
  degraded: false,
};
const source = (number, title, text, link) => ({ number, document: `page-${number}`, title, heading: "", location: "line 3", link, kind: "handbook", text, marks: [] });
const SOURCES = [
  source(1, "Undercut", "Stopping before a rival to gain a place on fresh tyres. <b>Text</b>, not markup.", null),
  source(2, "Rejoining in traffic", "Where a car comes out is as important as when it goes in.", "https://example.org/traffic"),
];
const http = createServer(({ url }, reply) => reply.writeHead(url === "/v1/skill" ? 200 : 404).end(JSON.stringify(SKILL)));
http.listen(Number(process.env.PORT ?? 8080), "127.0.0.1");
const server = new WebSocketServer({ server: http, path: "/ws" });
const sessions = new Map();
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

class Session {
  constructor(token) {
    Object.assign(this, { token, seq: 0, sent: [], race: null, t: 0, playing: false, speed: 10, cancelled: new Set() });
    setInterval(() => this.tick(), 200).unref();
  }
  say(frame) {
    const whole = { ...frame, seq: ++this.seq };
    this.sent.push(whole);
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(whole));
  }
  get replay() {
    const { race, t, playing, speed } = this;
    const state = stateAt(race, t);
    return { playing, speed, lap: state.lap, total_laps: race.total_laps, t_s: t, ended: state.finished };
  }
  tick() {
    if (!this.playing || !this.race) return;
    this.t += 0.2 * this.speed;
    if (this.replay.ended) this.playing = false;
    this.delta();
  }
  delta() {
    const state = stateAt(this.race, this.t);
    const old = new Map(this.shown?.cars.map((car) => [car.car, JSON.stringify(car)]));
    const cars = state.cars.filter((car) => old.get(car.car) !== JSON.stringify(car));
    const { cars: _, ...changes } = state;
    this.shown = state;
    this.say({ type: "race.delta", race: this.race.id, changes, cars, replay: this.replay });
  }
  error(id, error, detail, retryable) {
    this.say({ type: "error", id, error, detail, retryable, trace_id: "4bf92f3577b34da6a3ce929d0e0e4736" });
  }
  on = {
    hello: () => {},
    follow: ({ race, lap = 0, car }) => {
      this.race = RACES.find((each) => each.id === race);
      if (!this.race) return this.error(null, "NotFound", `no race "${race}"`, false);
      this.t = this.race.cars.find((each) => each.car === car)?.crossings[lap - 1]?.t ?? timeOfLap(this.race, lap);
      this.playing = false;
      this.shown = stateAt(this.race, this.t);
      this.say({ type: "race.snapshot", race: this.shown, replay: this.replay });
    },
    unfollow: () => (this.race = null),
    cancel: ({ id }) => {
      this.cancelled.add(id);
      this.error(id, "Cancelled", "the caller took the question back", false);
    },
    "replay.control": ({ action, lap, speed }) => {
      if (action === "play") this.playing = true;
      if (action === "pause") this.playing = false;
      if (action === "seek") this.t = timeOfLap(this.race, lap);
      if (action === "speed") this.speed = speed;
      this.delta();
    },
    ask: (question) => this.answer(question),
  };
  async answer({ id, text, car }) {
    const state = stateAt(this.race, this.t);
    const pause = /slow/i.test(text) ? 5000 : 350;
    const tool = /rule|what is/i.test(text) ? "search" : /finish|forecast/i.test(text) ? "forecast" : /why/i.test(text) ? "explain" : "advise";
    this.say({ type: "tool.call", id, tool, arguments: { car, lap: tool === "advise" ? state.cars.find((each) => each.car === car)?.lap : state.lap } });
    if (/drop/i.test(text)) return this.socket.close();
    await wait(200);
    if (/fail/i.test(text)) return this.error(id, "SimulatorUnavailable", "No sim worker answered. Try again in a moment.", true);
    if (/refuse/i.test(text)) return this.error(id, "NotUnderstood", "I found no question in this. Try: When should I pit?", false);
    let last = null;
    if (tool === "advise")
      for (const [draws, stage, round] of [[64, "screen", 1], [256, "refine", 3], [1024, "refine", 5], [4096, "final", 7]]) {
        await wait(pause);
        if (this.cancelled.has(id)) return;
        last = decision(state, car, draws, round);
        this.say({ type: "answer.delta", id, stage, decision: last });
      }
    if (this.cancelled.has(id)) return;
    const best = last?.options[last.best];
    this.say({
      type: "answer.done", id, tool,
      text: best
        ? best.lap === null ? "Stay out. These tyres go to the end." : `Box lap ${best.lap} for ${best.compound}s, expect P${best.mean_position.toFixed(1)}. You come out behind traffic in P${Math.round(best.rejoin_position)}.`
        : tool === "search" ? "Undercut: “Stopping before a rival to gain a place on fresh tyres.” [1]" : tool === "forecast" ? `P${state.cars.find((each) => each.car === car)?.position ?? 1} is the most likely finish.` : "Because the mediums lose 0.09 s a lap from here and the car behind has stopped.",
      why: ["Mediums are 18 laps old and lose 0.09 s a lap from here.", "HAM, 2.4 s behind, undercuts if he stops first: margin 0.7 s.", "A stop costs 21.5 s under green, about 12 s under a safety car.", "Staying out costs more than three places: one dry compound is still to be used.", "Traffic: “Where a car comes out is as important as when it goes in.” [2]"],
      sources: tool === "forecast" ? [] : SOURCES, ungrounded: null,
      decision: last, forecast: tool === "forecast" ? forecast(state) : null, standings: null,
      provenance: { model: "mock@1", seed: 4211873905, race: this.race.id, race_lap: state.lap, feed_age_s: 0, assumed: ["Tyres of ZHO are not known: mediums assumed.", "Pit loss of 21.5 s is the prior of this circuit."], draws: 4096, rounds: 7, trace_id: "4bf92f3577b34da6a3ce929d0e0e4736", embedder: "mock-embedder@1" },
      timings_ms: { total: 283.4, orchestrator: 4.2, model_server: 11.7, sim_worker: 267.5 },
    });
  }
}

server.on("connection", (socket) => {
  let session;
  socket.on("message", (data) => {
    const frame = JSON.parse(data);
    if (frame.type === "hello") {
      const resumed = sessions.has(frame.resume);
      session = sessions.get(frame.resume) ?? new Session(`mock-${sessions.size + 1}`);
      sessions.set(session.token, session);
      session.socket = socket;
      const races = RACES.map(({ id, name, series, total_laps, cars }) => ({ id, name, series, total_laps, cars: cars.length, live: false }));
      const missed = resumed ? session.sent.filter((each) => each.seq > frame.last_seq) : [];
      for (const each of missed) socket.send(JSON.stringify(each));
      session.say({ type: "welcome", version: 1, session: session.token, resumed, races, server: { version: "mock" } });
    } else session?.on[frame.type]?.(frame);
  });
});
