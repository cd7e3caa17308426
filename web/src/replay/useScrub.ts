import { useEffect, useRef, useState } from "react";
import type { Replay } from "../wire/race";

/** A drag passes many laps; only the one on which it rests is asked for. */
const REST_MS = 150;

interface Draft {
  lap: number;
  askedOf: Replay | null; // the replay as it was when asked to seek; null while the drag goes on
}

/** The lap under the thumb: the one dragged to until the replay answers, then the replay's own. */
export function useScrub(replay: Replay | null, seek: (lap: number) => void): [number, (lap: number) => void] {
  const [draft, setDraft] = useState<Draft | null>(null);
  const rest = useRef<ReturnType<typeof setTimeout>>(undefined);
  const latest = useRef({ replay, seek });
  useEffect(() => {
    latest.current = { replay, seek };
  });
  useEffect(() => () => clearTimeout(rest.current), []);

  const scrub = (lap: number) => {
    setDraft({ lap, askedOf: null });
    clearTimeout(rest.current);
    rest.current = setTimeout(() => {
      setDraft({ lap, askedOf: latest.current.replay });
      latest.current.seek(lap);
    }, REST_MS);
  };
  const waiting = draft !== null && (draft.askedOf === null || draft.askedOf === replay);
  return [waiting ? draft.lap : (replay?.lap ?? 0), scrub];
}
