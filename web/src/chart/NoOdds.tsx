import { useLive } from "../live/context";
import { newest } from "../live/questions";

/** Nothing to draw yet: says what comes here and what to do for it. */
export function NoOdds() {
  const car = useLive((state) => state.car);
  const status = useLive((state) => newest(state)?.status ?? null);
  const title = status === null ? "No question asked yet" : status === "running" ? "Playing the rest of the race…" : "No odds to show";
  return (
    <section className="panel chart chart-empty" aria-label="Odds of every finishing position">
      <div className="ghost" aria-hidden="true" />
      <p className="empty">
        <strong>{title}</strong>
        {car === null
          ? "Choose a car in the timing tower, then ask when to pit."
          : `Ask when ${car} should pit: every lap and tyre is played thousands of times, and the odds of each finishing position appear here.`}
      </p>
    </section>
  );
}
