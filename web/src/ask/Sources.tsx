import type { Answer } from "../live/state";
import type { Source } from "../wire/answer";
import { followed, pieces, sourceId } from "./sources";

/** One passage, as it stands in its document: text and nothing else, whatever it says. */
function Passage({ source, open }: { source: Source; open: boolean }) {
  const { number, title, heading, location, kind } = source;
  const link = followed(source.link);
  return (
    <details id={sourceId(number)} open={open}>
      <summary>
        <span className="source-number">[{number}]</span>
        <strong>{title}</strong>
        {heading && <span>{heading}</span>}
        <span className="muted">{[kind, location].filter(Boolean).join(", ")}</span>
      </summary>
      <blockquote>
        {pieces(source).map(([piece, marked], at) => (marked ? <mark key={at}>{piece}</mark> : piece))}
      </blockquote>
      {link && (
        <a href={link} target="_blank" rel="noopener noreferrer">
          Read on
        </a>
      )}
    </details>
  );
}

/** What the answer cites. `shown`: the passage is the answer, so the first one is open. */
export function Sources({ answer: { sources, ungrounded }, shown }: { answer: Answer; shown: boolean }) {
  if (sources.length === 0 && ungrounded === null) return null;
  return (
    <section className="sources" aria-label="Sources">
      {sources.length === 0 && <p className="muted">Without sources: {ungrounded}.</p>}
      {sources.map((source) => (
        <Passage key={source.number} source={source} open={shown && source.number === 1} />
      ))}
    </section>
  );
}
