const UNKNOWN = "–";

const clock = (seconds: number, decimals: number): string => {
  const whole = Math.floor(seconds / 60);
  return `${whole}:${(seconds - 60 * whole).toFixed(decimals).padStart(decimals ? decimals + 3 : 2, "0")}`;
};

/** 92.456 s -> "1:32.456". Rounds before it splits: 59.9996 s is "1:00.000", never "0:60.000". */
export const lapTime = (seconds: number | null): string =>
  seconds === null ? UNKNOWN : clock(Math.round(seconds * 1000) / 1000, 3);

/** 3725.2 s -> "1:02:05". */
export function raceClock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 3600)}:${clock(whole % 3600, 0).padStart(5, "0")}`;
}

/** Seconds behind: "+12.3"; laps behind win: "+1 lap". */
export function gap(seconds: number | null, lapsDown = 0): string {
  if (lapsDown > 0) return `+${lapsDown} lap${lapsDown > 1 ? "s" : ""}`;
  return seconds === null ? UNKNOWN : `+${seconds.toFixed(1)}`;
}

/** A sum of chances that misses 0 or 1 by less than this does so by rounding. */
const SURE = 1e-6;

/** 0.123 -> "12 %". What is possible but rare is "<1 %", never "0 %"; what is not certain is never "100 %". */
export function percent(share: number): string {
  if (share <= SURE) return "0 %";
  if (share < 0.01) return "<1 %";
  return share > 0.99 && share < 1 - SURE ? ">99 %" : `${Math.round(share * 100)} %`;
}

export const places = (value: number): string => value.toFixed(2);

export const count = (value: number): string => value.toLocaleString("en").replaceAll(",", "\u202f");

export const laps = (value: number): string => `${value} lap${value === 1 ? "" : "s"}`;

export const age = (ms: number): string => (ms < 60_000 ? `${Math.floor(ms / 1000)} s` : `${Math.floor(ms / 60_000)} min`);

export const milliseconds = (value: number): string => (value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`);
