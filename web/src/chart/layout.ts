import type { Column } from "./columns";

/** Where everything is, in CSS pixels. */
export interface Layout {
  width: number;
  left: number;
  top: number;
  band: number; // width of a column
  row: number; // height of a finishing position
  bottom: number; // lower edge of the cells
  x: (at: number) => number; // left edge of a column
  y: (position: number) => number; // middle of a position; takes fractions
}

const LEFT = 34;
const RIGHT = 2;
const TOP = 22;
const APART = 8;

/** What stands above and below the cells on a desktop: with the call and its losses, and without. */
const AROUND_PX = { call: 680, field: 540 };
const PHONE_PX = 480;

/** The whole chart fits above the replay bar where it can; a phone scrolls anyhow. */
export function rowHeight(of: keyof typeof AROUND_PX, rows: number, width: number, windowHeight: number): number {
  if (width < PHONE_PX) return 13;
  return Math.min(18, Math.max(11, Math.floor((windowHeight - AROUND_PX[of]) / rows)));
}

export function layoutOf(columns: readonly Column[], rows: number, width: number, row: number): Layout {
  const apartFrom = columns.findIndex((column) => column.apart);
  const gap = apartFrom > 0 ? APART : 0;
  const band = Math.max(1, (width - LEFT - RIGHT - gap) / Math.max(1, columns.length));
  return {
    width,
    left: LEFT,
    top: TOP,
    band,
    row,
    bottom: TOP + rows * row,
    x: (at) => LEFT + at * band + (gap > 0 && at >= apartFrom ? gap : 0),
    y: (position) => TOP + (position - 0.5) * row,
  };
}

/** The cell under a point; null outside of the cells' columns. */
export function cellAt(layout: Layout, columns: number, rows: number, x: number, y: number) {
  if (x < layout.left) return null;
  let at = Math.min(columns - 1, Math.floor((x - layout.left) / layout.band));
  while (at > 0 && layout.x(at) > x) at -= 1;
  const position = Math.ceil((y - layout.top) / layout.row);
  return { at, position: Math.min(rows, Math.max(1, position)) };
}

/** Every n-th label, so that none touches the next; n is a number that people count in. */
export function labelStep(band: number, labelWidth: number): number {
  return [1, 2, 5, 10, 20].find((step) => step * band >= labelWidth) ?? 50;
}
