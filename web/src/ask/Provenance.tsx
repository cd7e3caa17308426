import { count } from "../ui/format";
import type { Decision, Provenance as Source } from "../wire/answer";

const assumptions = (n: number) => (n === 0 ? "nothing assumed" : `${n} assumption${n > 1 ? "s" : ""}`);

/** Where the numbers come from: enough to make the same answer again, bit for bit. */
export function Provenance({ source, decision }: { source: Source; decision: Decision | null }) {
  const { model, seed, race_lap, feed_age_s, assumed, draws, rounds, trace_id, embedder } = source;
  return (
    <details className="provenance">
      <summary>
        <span>{model}</span>
        <span>lap {race_lap}</span>
        <span>data {feed_age_s.toFixed(1)} s old</span>
        <span>{count(draws)} races</span>
        <span>{assumptions(assumed.length)}</span>
      </summary>
      <dl>
        <dt>Seed</dt>
        <dd>{seed}</dd>
        <dt>Draws</dt>
        <dd>
          {count(draws)} in {rounds} rounds{decision?.cut && ", cut by the deadline"}
        </dd>
        <dt>Trace</dt>
        <dd>{trace_id}</dd>
        {embedder && (
          <>
            <dt>Sources found by</dt>
            <dd>{embedder}</dd>
          </>
        )}
        <dt>Assumed</dt>
        <dd>{assumed.length === 0 ? "nothing" : assumed.map((sentence) => <p key={sentence}>{sentence}</p>)}</dd>
      </dl>
    </details>
  );
}
