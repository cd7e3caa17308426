import { useMemo, useRef } from "react";
import { useWidth } from "../ui/useWidth";
import { ColumnAxis, PositionAxis } from "./Axes";
import { Cells } from "./Cells";
import { type Column, rowsOf } from "./columns";
import { layoutOf, rowHeight } from "./layout";
import { LOSS_HEIGHT, LossStrip } from "./LossStrip";
import { Marks } from "./Marks";
import { MeanLine } from "./MeanLine";
import { columnWords, Tooltip } from "./Tooltip";
import { TyreStrip } from "./TyreStrip";
import { useCursor } from "./useCursor";

const FIRST_WIDTH = 640;
const TYRES_PX = 24;
const NAMES_PX = 22;

interface Props {
  columns: readonly Column[];
  name: string; // what a column is: "Candidate call", "Car"
  window: readonly [number, number] | null;
}

/** P(finishing position), one column per call or car. A slider to assistive technology: its value is read as a sentence. */
export function HeatMap({ columns, name, window }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame, FIRST_WIDTH);
  const rows = rowsOf(columns);
  const losses = columns.some((column) => column.lost !== null);
  const row = rowHeight(losses ? "call" : "field", rows, width, globalThis.innerHeight);
  const layout = useMemo(() => layoutOf(columns, rows, width, row), [columns, rows, width, row]);
  const { cursor, rest, on } = useCursor(columns, rows, layout);
  const tyres = columns.some((column) => column.compound !== null);
  const namesAt = layout.bottom + (tyres ? TYRES_PX : 0) + 14;
  const lossAt = namesAt + NAMES_PX - 8;
  const height = losses ? lossAt + LOSS_HEIGHT + 4 : namesAt + 6;
  const { at, position } = cursor ?? rest;
  const shown = columns[at];
  if (shown === undefined) return null;
  const middle = layout.x(at) + layout.band / 2;
  return (
    <div
      ref={frame}
      className="heat-map"
      // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- an input cannot hold a chart
      role="slider"
      tabIndex={0}
      aria-label={name}
      aria-valuemin={1}
      aria-valuemax={columns.length}
      aria-valuenow={at + 1}
      aria-valuetext={columnWords(shown, position)}
      {...on}
    >
      <svg width={width} height={height} aria-hidden="true">
        <PositionAxis rows={rows} layout={layout} />
        <Cells columns={columns} layout={layout} />
        <MeanLine columns={columns} layout={layout} joined={losses} />
        <Marks columns={columns} layout={layout} window={window} />
        {tyres && <TyreStrip columns={columns} layout={layout} y={layout.bottom + 3} />}
        <ColumnAxis columns={columns} layout={layout} y={namesAt} />
        {losses && <LossStrip columns={columns} layout={layout} y={lossAt} />}
        {cursor && (
          <g className="cursor">
            <line x1={middle} x2={middle} y1={layout.top} y2={height} />
            <rect x={layout.x(at)} y={layout.y(position) - layout.row / 2} width={layout.band} height={layout.row} />
          </g>
        )}
      </svg>
      {cursor && <Tooltip column={shown} position={position} x={middle} chartWidth={width} />}
    </div>
  );
}
