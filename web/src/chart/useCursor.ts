import { type KeyboardEvent, type PointerEvent, useState } from "react";
import { mode } from "../odds/odds";
import type { Column } from "./columns";
import { cellAt, type Layout } from "./layout";

export interface Cursor {
  at: number; // column
  position: number; // finishing position, from 1
}

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));

/** Where a key leads from a cell: sideways through the columns, up and down through the positions. */
export function moved(key: string, { at, position }: Cursor, columns: number, rows: number): Cursor | null {
  const to: Record<string, Cursor> = {
    ArrowLeft: { at: at - 1, position },
    ArrowRight: { at: at + 1, position },
    ArrowUp: { at, position: position - 1 },
    ArrowDown: { at, position: position + 1 },
    Home: { at: 0, position },
    End: { at: columns - 1, position },
  };
  const next = to[key];
  return next ? { at: clamp(next.at, 0, columns - 1), position: clamp(next.position, 1, rows) } : null;
}

/** The cell that is looked at, by pointer, touch or keyboard; starts at the marked column. */
export function useCursor(columns: readonly Column[], rows: number, layout: Layout) {
  const [cursor, set] = useState<Cursor | null>(null);
  const first = Math.max(0, columns.findIndex((column) => column.marked));
  const rest: Cursor = { at: first, position: clamp(mode(columns[first]?.p ?? []), 1, rows) };
  const kept = cursor && { at: clamp(cursor.at, 0, columns.length - 1), position: clamp(cursor.position, 1, rows) };
  const point = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    set(cellAt(layout, columns.length, rows, event.clientX - box.left, event.clientY - box.top));
  };
  return {
    cursor: kept,
    rest,
    on: {
      onPointerMove: point,
      onPointerDown: point,
      onPointerLeave: (event: PointerEvent) => event.pointerType === "mouse" && set(null),
      onFocus: (event: { currentTarget: Element }) => event.currentTarget.matches(":focus-visible") && set(rest),
      onBlur: () => set(null),
      onKeyDown: (event: KeyboardEvent) => {
        const next = moved(event.key, kept ?? rest, columns.length, rows);
        if (next === null) return;
        event.preventDefault();
        set(next);
      },
    },
  };
}
