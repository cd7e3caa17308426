import type { Column } from "./columns";
import type { Layout } from "./layout";

interface Props {
  columns: readonly Column[];
  layout: Layout;
  window: readonly [number, number] | null; // laps
}

/** The call itself: its column framed, its name above, the pit window as a line. */
export function Marks({ columns, layout, window }: Props) {
  const { x, band, top, bottom } = layout;
  const at = columns.findIndex((column) => column.marked);
  const marked = columns[at];
  const edge = (lap: number) => columns.findIndex((column) => column.label === String(lap));
  const [from, to] = window ? [edge(window[0]), edge(window[1])] : [-1, -1];
  return (
    <g className="marks">
      {from >= 0 && to >= 0 && <rect className="window" x={x(from)} y={top - 5} width={x(to) + band - x(from)} height="3" />}
      {marked && (
        <>
          <rect className="frame" x={x(at) - 1} y={top - 1} width={band + 1} height={bottom - top + 1} rx="1" />
          <text x={Math.min(layout.width - 24, x(at) + band / 2)} y={top - 9} textAnchor="middle">
            {marked.title}
          </text>
        </>
      )}
    </g>
  );
}
