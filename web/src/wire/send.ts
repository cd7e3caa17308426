/** What the page may say. An absent field is left out of the JSON, never sent as null. */
export type ClientFrame =
  | { type: "hello"; version: 1; resume?: string; last_seq?: number }
  | { type: "follow"; race: string; car?: string; lap?: number }
  | { type: "unfollow"; race: string }
  | { type: "ask"; id: string; text: string; race?: string; car?: string; lap?: number }
  | { type: "cancel"; id: string }
  | ReplayControl;

export type ReplayControl = { type: "replay.control"; race: string } & (
  | { action: "play" | "pause" }
  | { action: "seek"; lap: number; car?: string }
  | { action: "speed"; speed: number }
);

/** The longest question that the server takes, in characters. */
export const MAX_TEXT = 500;

export const encode = (frame: ClientFrame): string => JSON.stringify(frame);
