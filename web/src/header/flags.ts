import type { Race, Track } from "../wire/race";

const WORDS: Record<Track, string> = {
  green: "Green flag",
  yellow: "Yellow flag",
  vsc: "Virtual safety car",
  safety_car: "Safety car",
  red: "Red flag",
};

/** The flag in words, and the name of its colour in header.css. */
export function flagOf({ track, finished }: Race): { words: string; name: Track | "finished" } {
  return finished ? { words: "Chequered flag", name: "finished" } : { words: WORDS[track], name: track };
}
