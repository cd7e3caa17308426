import type { FrameOf } from "../wire/frame";
import type { Problem } from "./state";

export const problemOf = (frame: FrameOf<"error">): Problem => ({
  error: frame.error,
  detail: frame.detail,
  retryable: frame.retryable,
  traceId: frame.trace_id,
});

const ours = (error: string, retryable: boolean, detail: string): Problem => ({ error, detail, retryable, traceId: "" });

export const noLink = ours("NoLink", true, "There is no link to the server. Ask again when it is back.");
export const linkLost = ours("LinkLost", true, "The link was lost before the answer came. Ask again.");
export const noAnswer = ours("NoAnswer", true, "No answer came in time. Ask again.");
export const badFrame = (detail: string) =>
  ours("BadFrame", false, `The server sent something that this page cannot read (${detail}). Reload the page.`);
export const noSuchRace = (race: string) =>
  ours("NotFound", false, `The link names the race "${race}", which is not here. Choose one of these.`);
