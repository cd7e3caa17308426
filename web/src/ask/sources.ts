import type { Source } from "../wire/answer";

export const sourceId = (number: number): string => `source-${number}`;

/** Shows a source, and puts the keyboard there. */
export function openSource(number: number): void {
  const found = document.getElementById(sourceId(number));
  if (!(found instanceof HTMLDetailsElement)) return;
  found.open = true;
  found.querySelector("summary")?.focus();
}

/** A text in pieces, each with whether it is a word that matched. Marks count code points, as the server does. */
export function pieces({ text, marks }: Pick<Source, "text" | "marks">): [piece: string, marked: boolean][] {
  const letters = [...text];
  const found: [string, boolean][] = [];
  let done = 0;
  for (const [start = 0, end = 0] of marks) {
    if (start < done || end <= start) continue;
    found.push([letters.slice(done, start).join(""), false], [letters.slice(start, end).join(""), true]);
    done = end;
  }
  return [...found, [letters.slice(done).join(""), false] as [string, boolean]].filter(([piece]) => piece !== "");
}

/** A link that a browser may follow; the server sends no other, but a page does not rely on that. */
export const followed = (link: string | null): string | null => (link !== null && /^https?:\/\//.test(link) ? link : null);
