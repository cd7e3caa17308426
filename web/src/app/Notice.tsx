import { useLive, usePitwall } from "../live/context";

/** A problem that belongs to no question, and a link that is gone: said in words, above everything. */
export function Notice() {
  const pitwall = usePitwall();
  const problem = useLive((state) => state.problem);
  const lost = useLive((state) => state.link === "lost");
  const lap = useLive((state) => state.race?.lap ?? null);
  return (
    <div role="alert">
      {lost && (
        <p className="notice">
          Link lost, reconnecting. {lap !== null && `What you see is old: it stands at lap ${lap}.`}
        </p>
      )}
      {problem && (
        <p className="notice">
          <span>{problem.detail}</span>
          <button type="button" className="button" onClick={() => pitwall.dismiss()}>
            Dismiss
          </button>
        </p>
      )}
    </div>
  );
}
