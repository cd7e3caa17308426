import type { Column } from "./columns";
import type { Layout } from "./layout";

export const LOSS_HEIGHT = 46;

/** The deepest bar, in zones. A hopeless call (often: to stay out) must not flatten the difference between good ones. */
const DEEPEST = 20;
const SHALLOWEST = 10 / 3;

/** Within what calls are equally good, in the unit of the columns. */
const zoneOf = (columns: readonly Column[]): number => columns.find((column) => column.lost)?.lost?.unit.zone ?? 0;

export const lossScale = (columns: readonly Column[]): number => {
  const losses = columns.filter((column) => !column.apart).map((column) => column.lost?.amount ?? 0);
  const zone = zoneOf(columns);
  return Math.min(DEEPEST * zone, Math.max(SHALLOWEST * zone, ...losses));
};

/** What is lost against the best call, downwards, with two standard errors of the paired difference. */
export function LossStrip({ columns, layout, y }: { columns: readonly Column[]; layout: Layout; y: number }) {
  const scale = lossScale(columns);
  const zone = zoneOf(columns);
  const depth = (amount: number) => (LOSS_HEIGHT * Math.min(scale, Math.max(0, amount))) / scale;
  const width = Math.max(1, layout.band - (layout.band > 5 ? 2 : 0.5));
  return (
    <g className="loss">
      <line className="zero" x1={layout.left} x2={layout.width} y1={y} y2={y} />
      <line className="zone" x1={layout.left} x2={layout.width} y1={y + depth(zone)} y2={y + depth(zone)} />
      <text x={layout.left - 6} y={y + 8} textAnchor="end">0</text>
      <text x={layout.left - 6} y={y + LOSS_HEIGHT} textAnchor="end">{scale.toFixed(1)}</text>
      {columns.map(({ key, lost, marked }, at) => {
        if (lost === null) return null;
        const middle = layout.x(at) + layout.band / 2;
        const [upper, lower] = [lost.amount - 2 * lost.error, lost.amount + 2 * lost.error];
        const cut = lost.amount > scale;
        return (
          <g key={key} data-marked={marked || undefined}>
            <rect x={middle - width / 2} y={y} width={width} height={Math.max(1, depth(lost.amount))} />
            {cut && <line className="break" x1={middle - width / 2} x2={middle + width / 2} y1={y + LOSS_HEIGHT - 8} y2={y + LOSS_HEIGHT - 12} />}
            {!marked && !cut && <line className="whisker" x1={middle} x2={middle} y1={y + depth(upper)} y2={y + depth(lower)} />}
          </g>
        );
      })}
    </g>
  );
}
