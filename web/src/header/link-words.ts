import type { Link } from "../live/state";
import { age } from "../ui/format";

/** A moving race that says nothing for this long is stale. */
export const STALE_MS = 10_000;

/** What to say about the link. `moving`: frames are expected (a live race, or a replay that plays). */
export function linkWords(link: Link, silentMs: number, moving: boolean): { tone: "ok" | "warn" | "bad"; words: string } {
  if (link === "connecting") return { tone: "warn", words: "Connecting…" };
  if (link === "lost") return { tone: "bad", words: `Link lost, data ${age(silentMs)} old` };
  if (!moving) return { tone: "ok", words: "Connected" };
  return { tone: silentMs < STALE_MS ? "ok" : "warn", words: `Live, data ${age(silentMs)} old` };
}
