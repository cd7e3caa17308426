import { type Frame, parseFrame } from "../wire/frame";
import { type ClientFrame, encode } from "../wire/send";
import type { Link } from "./state";

/** The part of WebSocket that is used; tests pass their own. */
export type Socket = Pick<WebSocket, "onmessage" | "onopen" | "onclose" | "send" | "close">;
export type OpenSocket = (url: string) => Socket;

export interface Wire {
  url: string;
  open: OpenSocket;
  random: () => number;
  onLink: (link: Link) => void;
  onFrame: (frame: Frame) => void;
  onBroken: (detail: string) => void; // a frame that cannot be read
}

export interface Connection {
  /** False when there is no session to send it on. */
  send: (frame: ClientFrame) => boolean;
  close: () => void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** Keeps one session alive over many sockets: resumes after the last frame seen, so that a reconnect loses nothing. */
export function connect({ url, open, random, onLink, onFrame, onBroken }: Wire): Connection {
  let socket: Socket;
  let retry: ReturnType<typeof setTimeout>;
  let attempt = 0;
  let session: string | null = null;
  let lastSeq = 0;
  let welcomed = false;

  const say = (frame: ClientFrame) => socket.send(encode(frame));

  const seen = (frame: Frame): boolean => {
    if (frame.type === "welcome") {
      session = frame.session;
      if (!frame.resumed) lastSeq = frame.seq;
      welcomed = true;
      attempt = 0; // not on open: a server that accepts and drops must not be hammered
      onLink("live");
      return false;
    }
    if (!welcomed) return false; // a refused hello: its error is numbered by no session
    if (frame.seq <= lastSeq) return true;
    lastSeq = frame.seq;
    return false;
  };

  const receive = (data: string) => {
    try {
      const frame = parseFrame(data);
      if (frame !== null && !seen(frame)) onFrame(frame);
    } catch (error) {
      console.warn("frame ignored:", error);
      onBroken(error instanceof Error ? error.message : String(error));
    }
  };

  const dial = () => {
    socket = open(url);
    socket.onopen = () => say({ type: "hello", version: 1, ...(session && { resume: session, last_seq: lastSeq }) });
    socket.onmessage = (event) => receive(String(event.data));
    socket.onclose = () => {
      welcomed = false;
      onLink("lost");
      // Full jitter: a restarted orchestrator must not meet every browser at once.
      retry = setTimeout(dial, random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt++));
    };
  };
  dial();

  return {
    send: (frame) => {
      if (welcomed) say(frame);
      return welcomed;
    },
    close: () => {
      clearTimeout(retry);
      socket.onclose = null;
      socket.close();
    },
  };
}
