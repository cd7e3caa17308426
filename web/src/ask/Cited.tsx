import { Fragment } from "react";
import type { Source } from "../wire/answer";
import { openSource } from "./sources";

const CITATION = /\[(\d+)\]/;

/** Words of an answer; each [1] that names one of its sources leads to it. Everything else stays text. */
export function Cited({ text, sources }: { text: string; sources: Source[] }) {
  // Split by one group: text, number, text, number, ..., text.
  return text.split(CITATION).map((part, at) => {
    if (at % 2 === 0) return <Fragment key={at}>{part}</Fragment>;
    const source = sources.find(({ number }) => String(number) === part);
    if (source === undefined) return <Fragment key={at}>[{part}]</Fragment>;
    return (
      <button key={at} type="button" className="cite" aria-label={`Source ${part}: ${source.title}`} onClick={() => openSource(source.number)}>
        [{part}]
      </button>
    );
  });
}
