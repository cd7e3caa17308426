import type { Column } from "./columns";
import { labelStep, type Layout } from "./layout";

const LABEL_PX = 26;

/** Positions on the left: 1, 5, 10, ... and a hairline at each. */
export function PositionAxis({ rows, layout }: { rows: number; layout: Layout }) {
  const named = Array.from({ length: rows }, (_, i) => i + 1).filter((at) => at === 1 || at % 5 === 0);
  return (
    <g className="axis">
      {named.map((position) => (
        <g key={position}>
          <text x={layout.left - 6} y={layout.y(position) + 4} textAnchor="end">
            P{position}
          </text>
          {position > 1 && (
            <line x1={layout.left} x2={layout.width} y1={layout.y(position + 0.5)} y2={layout.y(position + 0.5)} />
          )}
        </g>
      ))}
    </g>
  );
}

/** The names of the columns. Laps are counted in ones, twos, fives; what is marked or apart is always named. */
export function ColumnAxis({ columns, layout, y }: { columns: readonly Column[]; layout: Layout; y: number }) {
  const step = labelStep(layout.band, LABEL_PX);
  const always = columns.map(({ marked, apart }, at) => (marked || apart ? at : -1)).filter((at) => at >= 0);
  const shown = columns.map(({ label }, at) => {
    if (always.includes(at)) return true;
    const count = Number.isNaN(Number(label)) ? at : Number(label);
    return count % step === 0 && always.every((other) => Math.abs(other - at) * layout.band >= LABEL_PX);
  });
  // Narrow and at the edge, "Stay" would run out of the chart.
  const place = ({ apart }: Column, at: number) =>
    apart && layout.band < LABEL_PX
      ? ({ x: layout.width - 1, textAnchor: "end" } as const)
      : ({ x: layout.x(at) + layout.band / 2, textAnchor: "middle" } as const);
  return (
    <g className="axis columns-axis">
      {columns.map((column, at) =>
        shown[at] ? (
          <text key={column.key} {...place(column, at)} y={y} data-marked={column.marked || undefined}>
            {column.label}
          </text>
        ) : null,
      )}
    </g>
  );
}
