import { createStore } from "zustand/vanilla";
import type { Frame } from "../wire/frame";
import type { ClientFrame, ReplayControl } from "../wire/send";
import { skill } from "../wire/skill";
import type { Address } from "./address";
import { badFrame, linkLost, noAnswer, noLink, noSuchRace } from "./problems";
import { type About, add, asking, change, fail, failAll, openIds } from "./questions";
import { reduce } from "./reduce";
import { getJson, type GetJson } from "./rest";
import { type Connection, connect, type OpenSocket } from "./socket";
import { type LiveState, start } from "./state";

/** Longer than any deadline of the server: passed only when a question or its answer got lost on the way. */
export const PATIENCE_MS = 30_000;

type ControlOf<T> = T extends ReplayControl ? Omit<T, "type" | "race"> : never;
export type Control = ControlOf<ReplayControl>;

export interface Options {
  url: string;
  address: Address;
  open?: OpenSocket;
  get?: GetJson;
  random?: () => number;
  now?: () => number;
}

/** The state of the page and all that a person may do to it. */
export class Pitwall {
  readonly store;
  private readonly connection: Connection;
  private readonly now: () => number;
  private readonly get: GetJson;
  private toAsk: string | null; // a link that asks does so once, when its race is on screen
  private asked = 0;

  constructor({ url, address, open = (to) => new WebSocket(to), get = getJson, random = Math.random, now = Date.now }: Options) {
    this.store = createStore<LiveState>(() => start(address));
    this.now = now;
    this.get = get;
    this.toAsk = address.ask;
    this.connection = connect({
      url,
      open,
      random,
      onLink: (link) => this.update((state) => ({ ...state, link })),
      onFrame: (frame) => this.receive(frame),
      onBroken: (detail) => this.update((state) => ({ ...state, problem: badFrame(detail) })),
    });
  }

  /** Opens a race; `lap` is where a recorded one waits. */
  follow(race: string, lap: number | null = null): void {
    if (this.state.raceId !== null && this.state.raceId !== race) this.leave();
    this.update((state) => ({ ...state, raceId: race, problem: null, address: { ...state.address, race, lap } }));
    const { car } = this.state;
    this.send({ type: "follow", race, ...(car !== null && { car }), ...(lap !== null && { lap }) });
  }

  /** Back to the list of races. */
  leave(): void {
    if (this.state.raceId !== null) this.send({ type: "unfollow", race: this.state.raceId });
    const address = { race: null, car: null, lap: null, ask: null };
    this.update((state) => ({ ...state, raceId: null, race: null, replay: null, car: null, address }));
  }

  choose(car: string): void {
    this.update((state) => ({ ...state, car, address: { ...state.address, car, ask: null } }));
  }

  /** Asks, about the chosen car and the present moment unless told otherwise. A question still open is taken back. */
  ask(text: string, about: About = { lap: null }): void {
    const question = asking(this.state, text, about, `${this.now().toString(36)}-${++this.asked}`);
    if (question === null) return;
    const { id, race, car, lap, knownLap } = question;
    for (const open of openIds(this.state)) this.cancel(open);
    const address = { race, car, lap: knownLap, ask: question.text };
    this.update((state) => ({ ...add(state, question), address }));
    const of = { race, ...(car !== null && { car }), ...(lap !== null && { lap }) };
    const sent = this.send({ type: "ask", id, text: question.text, ...of });
    if (!sent) this.update((state) => fail(state, id, noLink));
    setTimeout(() => this.update((state) => fail(state, id, noAnswer)), PATIENCE_MS);
  }

  cancel(id: string): void {
    this.send({ type: "cancel", id });
    this.update((state) => change(state, id, { cancelling: true }));
  }

  control(control: Control): void {
    const { raceId: race, replay, car } = this.state;
    if (race === null || replay === null) return;
    // A lap is the chosen car's: it may be another one than was followed first.
    this.send({ type: "replay.control", race, ...control, ...(control.action === "seek" && car !== null && { car }) });
    if (control.action === "seek") this.remember(control.lap);
    if (control.action === "pause") this.remember(replay.lap);
  }

  dismiss(): void {
    this.update((state) => ({ ...state, problem: null }));
  }

  close(): void {
    this.connection.close();
  }

  private get state(): LiveState {
    return this.store.getState();
  }

  private update(step: (state: LiveState) => LiveState): void {
    this.store.setState(step(this.state), true);
  }

  private send(frame: ClientFrame): boolean {
    return this.connection.send(frame);
  }

  private remember(lap: number): void {
    this.update((state) => ({ ...state, address: { ...state.address, lap, ask: null } }));
  }

  private receive(frame: Frame): void {
    this.update((state) => ({ ...reduce(state, frame), heardAt: this.now() }));
    if (frame.type === "welcome" && !frame.resumed) this.begin();
    if (frame.type === "race.snapshot") this.askOnce();
    if (frame.type === "answer.done") void this.learn();
  }

  /** A new session knows nothing of the old one: its race is followed again, its questions are gone. */
  private begin(): void {
    this.update((state) => failAll(state, linkLost));
    const { raceId, replay, races, address } = this.state;
    if (raceId !== null) return this.follow(raceId, replay?.lap ?? address.lap);
    const wanted = address.race ?? (races?.length === 1 ? (races[0]?.id ?? null) : null);
    if (wanted === null) return;
    if (races?.some((race) => race.id === wanted)) return this.follow(wanted, address.lap);
    this.toAsk = null;
    this.update((state) => ({ ...state, problem: noSuchRace(wanted) }));
  }

  /** How good the calls were so far. Without an answer the page shows what it knew before. */
  private async learn(): Promise<void> {
    try {
      const found = skill(await this.get("/v1/skill"), "skill");
      this.update((state) => ({ ...state, skill: found }));
    } catch {
      // The figure is no part of the answer: a server that is gone says so in the header, an older one has none.
    }
  }

  private askOnce(): void {
    const text = this.toAsk;
    this.toAsk = null;
    if (text !== null) this.ask(text, { lap: this.state.address.lap });
  }
}
