import type { OpenSocket, Socket } from "../live/socket";

/** The other end of every socket that the page opens. Numbers its frames as the server does. */
export class FakeServer {
  readonly urls: string[] = [];
  readonly received: { type: string; [field: string]: unknown }[] = [];
  readonly read: string[] = []; // what the page has read over HTTP
  skill: object = { models: [], degraded: false };
  private socket: Socket | null = null;
  private seq = 0;

  /** Give this to the page instead of `new WebSocket`. */
  readonly open: OpenSocket = (url) => {
    this.urls.push(url);
    const socket: Socket = {
      onopen: null,
      onmessage: null,
      onclose: null,
      send: (data) => this.received.push(JSON.parse(String(data))),
      close: () => this.drop(),
    };
    this.socket = socket;
    return socket;
  };

  /** Give this to the page instead of `fetch`. */
  readonly get = async (path: string): Promise<unknown> => {
    this.read.push(path);
    return this.skill;
  };

  accept(): void {
    this.call("onopen", new Event("open"));
  }

  /** Sends a frame; `seq` only to break the numbering. */
  say(frame: object, seq?: number): void {
    this.seq = seq ?? this.seq + 1;
    this.raw(JSON.stringify({ seq: this.seq, ...frame }));
  }

  raw(data: string): void {
    this.call("onmessage", new MessageEvent("message", { data }));
  }

  drop(): void {
    this.call("onclose", new CloseEvent("close"));
  }

  /** Frames of one type that the page has sent. */
  got(type: string) {
    return this.received.filter((frame) => frame.type === type);
  }

  /** The id of the newest question. */
  get asked(): string {
    return String(this.got("ask").at(-1)?.["id"]);
  }

  private call(name: "onopen" | "onmessage" | "onclose", event: Event): void {
    const handler = this.socket?.[name] as ((event: Event) => void) | null | undefined; // three handlers, one shape
    handler?.(event);
  }
}
