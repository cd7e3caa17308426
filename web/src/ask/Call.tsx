import { bestOption, settled } from "../odds/decision";
import { Tyre } from "../ui/Tyre";
import type { Decision } from "../wire/answer";
import { certaintyWords, dueWords } from "./words";

/** The call in letters that are read from across the garage. `lapsDone`: by the car, now. */
export function Call({ decision, lapsDone, final }: { decision: Decision; lapsDone: number; final: boolean }) {
  const best = bestOption(decision);
  if (best === null) return null;
  return (
    <div className="call" data-final={final || undefined}>
      <p className="call-words">
        {best.lap === null || best.compound === null ? (
          "Stay out"
        ) : (
          <>
            Box lap {best.lap}
            <span className="call-tyre">
              <Tyre compound={best.compound} label={false} /> {best.compound}
            </span>
          </>
        )}
      </p>
      <p className="call-notes">
        {best.lap !== null && <span>{dueWords(best.lap, lapsDone)}</span>}
        {final ? (
          <span className={settled(decision) ? "resolved" : "unresolved"}>{certaintyWords(decision)}</span>
        ) : (
          <span className="muted">leading so far</span>
        )}
      </p>
    </div>
  );
}
