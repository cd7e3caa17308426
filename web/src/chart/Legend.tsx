import { percent } from "../ui/format";
import { FULL, ink, STEPS } from "./ink";

export function Legend({ losses }: { losses: string | null }) {
  return (
    <ul className="legend" aria-label="Legend">
      {STEPS.map((p) => (
        <li key={p}>
          <i style={{ opacity: ink(p) }} aria-hidden="true" /> {p === FULL ? `${percent(p)} or more` : percent(p)}
        </li>
      ))}
      <li>
        <i className="legend-mean" aria-hidden="true" /> mean ± 2 s.e.
      </li>
      {losses && <li>bars: {losses} lost against the best</li>}
    </ul>
  );
}
