import { useEffect, useState } from "react";

/** The wall clock, read every `everyMs`. Only for ages of frames: race panels use the event time of the store. */
export function useNow(everyMs: number): number {
  const [now, tick] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => tick(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
