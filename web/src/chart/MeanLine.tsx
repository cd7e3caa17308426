import type { Column } from "./columns";
import type { Layout } from "./layout";

interface Point {
  x: number;
  mean: number;
  error: number;
  apart: boolean;
}

/** Neighbours that may be joined: a line across a lap that is not legal would claim something. */
function stretches(columns: readonly Column[], layout: Layout): Point[][] {
  const parts: Point[][] = [[]];
  columns.forEach(({ p, mean, error, apart }, at) => {
    if (p.length === 0 || apart) parts.push([]);
    if (p.length > 0) parts.at(-1)?.push({ x: layout.x(at) + layout.band / 2, mean, error, apart });
  });
  return parts.filter((part) => part.length > 0);
}

const path = (points: readonly [number, number][]) => points.map(([x, y], at) => `${at ? "L" : "M"}${x},${y}`).join("");

/** The mean finishing position within two standard errors. Single columns get a dot and a whisker. */
export function MeanLine({ columns, layout, joined }: { columns: readonly Column[]; layout: Layout; joined: boolean }) {
  const parts = joined ? stretches(columns, layout) : stretches(columns, layout).flatMap((part) => part.map((point) => [point]));
  const { y } = layout;
  return parts.map((points) => {
    const upper = points.map(({ x, mean, error }): [number, number] => [x, y(mean - 2 * error)]);
    const lower = points.map(({ x, mean, error }): [number, number] => [x, y(mean + 2 * error)]);
    const [first] = points;
    if (first === undefined) return null;
    if (points.length === 1)
      return (
        <g key={first.x} className="mean">
          <path className="halo" d={path([...upper, ...lower])} />
          <path className="line" d={path([...upper, ...lower])} />
          <circle cx={first.x} cy={y(first.mean)} r="3.5" />
        </g>
      );
    const line = path(points.map(({ x, mean }) => [x, y(mean)]));
    return (
      <g key={first.x} className="mean">
        <path className="band" d={`${path([...upper, ...lower.toReversed()])}Z`} />
        <path className="halo" d={line} />
        <path className="line" d={line} />
      </g>
    );
  });
}
