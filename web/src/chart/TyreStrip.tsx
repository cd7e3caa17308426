import type { Compound } from "../wire/race";
import { Tyre } from "../ui/Tyre";
import type { Column } from "./columns";
import type { Layout } from "./layout";

export interface Run {
  compound: Compound;
  from: number;
  to: number;
}

/** Neighbouring columns on the same tyre, as one run. */
export function runsOf(columns: readonly Column[]): Run[] {
  const runs: Run[] = [];
  columns.forEach(({ compound }, at) => {
    const last = runs.at(-1);
    if (compound === null) return;
    if (last?.compound === compound && last.to === at - 1) last.to = at;
    else runs.push({ compound, from: at, to: at });
  });
  return runs;
}

/** Which tyre each lap is drawn for. */
export function TyreStrip({ columns, layout, y }: { columns: readonly Column[]; layout: Layout; y: number }) {
  return runsOf(columns).map(({ compound, from, to }) => {
    const [x1, x2] = [layout.x(from), layout.x(to) + layout.band - 1];
    return (
      <g key={from} className={`tyre-run tyre-${compound}`}>
        <rect x={x1} y={y} width={Math.max(1, x2 - x1)} height="3" />
        {x2 - x1 >= 12 && (
          <svg x={(x1 + x2) / 2 - 8} y={y + 4} width="16" height="16">
            <Tyre compound={compound} label={false} />
          </svg>
        )}
      </g>
    );
  });
}
