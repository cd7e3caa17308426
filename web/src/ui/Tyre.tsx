import type { Compound } from "../wire/race";
import "./tyre.css";

// Letter, colour and outline each tell the compound alone (WCAG 1.4.1).
const LETTER: Record<Compound, string> = { soft: "S", medium: "M", hard: "H", intermediate: "I", wet: "W", unknown: "?" };
const OUTLINE: Record<Compound, string> = {
  soft: "M10 1A9 9 0 1 1 9.99 1Z",
  medium: "M10 .5 19.5 10 10 19.5 .5 10Z",
  hard: "M3.5 1.5H16.5A2 2 0 0 1 18.5 3.5V16.5A2 2 0 0 1 16.5 18.5H3.5A2 2 0 0 1 1.5 16.5V3.5A2 2 0 0 1 3.5 1.5Z",
  intermediate: "M6 1.2H14L19 10 14 18.8H6L1 10Z",
  wet: "M10 .8 18.8 18H1.2Z",
  unknown: "M10 1A9 9 0 1 1 9.99 1Z",
};

/** The mark of a compound; decoration unless the text beside it does not name the tyre. */
export function Tyre({ compound, label = true }: { compound: Compound; label?: boolean }) {
  const named = label ? ({ role: "img", "aria-label": compound } as const) : ({ "aria-hidden": true } as const);
  return (
    <svg className={`tyre tyre-${compound}`} viewBox="0 0 20 20" {...named}>
      <path d={OUTLINE[compound]} />
      <text x="10" y={compound === "wet" ? 16.5 : 14.2} textAnchor="middle">
        {LETTER[compound]}
      </text>
    </svg>
  );
}
