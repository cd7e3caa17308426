import { milliseconds } from "../ui/format";
import type { Timings as Times } from "../wire/answer";

const HOPS = [
  ["orchestrator", "orchestrator"],
  ["model_server", "model server"],
  ["sim_worker", "sim worker"],
] as const;

/** Self time of each hop; the parts make up the whole. */
export function Timings({ times }: { times: Times }) {
  return (
    <div className="timings">
      <span className="timings-bar" aria-hidden="true">
        {HOPS.map(([hop]) => (
          <i key={hop} className={`hop-${hop}`} style={{ flexGrow: Math.max(0, times[hop]) }} />
        ))}
      </span>
      <ul aria-label="Time per hop">
        <li>
          <strong>{milliseconds(times.total)}</strong>
        </li>
        {HOPS.map(([hop, name]) => (
          <li key={hop}>
            <i className={`hop-${hop}`} aria-hidden="true" /> {name} {milliseconds(times[hop])}
          </li>
        ))}
      </ul>
    </div>
  );
}
