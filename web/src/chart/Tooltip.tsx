import { type Fact, FactList } from "../ui/FactList";
import { count, percent, places } from "../ui/format";
import { Tyre } from "../ui/Tyre";
import type { Column } from "./columns";

const WIDTH = 200;

/** Everything known about one column, in one sentence: what the keyboard and a screen reader get. */
export function columnWords(column: Column, position: number): string {
  const tyre = column.compound ? `, ${column.compound}` : "";
  if (column.p.length === 0) return `${column.title}: not a legal call on this tyre`;
  const lost = column.lost ? `, ${column.lost.amount.toFixed(column.lost.unit.decimals)} ${column.lost.unit.name} lost` : "";
  const here = `P${position} ${percent(column.p[position - 1] ?? 0)}`;
  return `${column.title}${tyre}: mean position ${places(column.mean)}${lost}, ${here}`;
}

function lossFact({ amount, error, unit }: NonNullable<Column["lost"]>): Fact {
  return { name: `${unit.Name} lost`, value: amount.toFixed(unit.decimals), note: `± ${(2 * error).toFixed(unit.decimals)}` };
}

function factsOf({ p, mean, error, lost, rejoin, draws }: Column, position: number): Fact[] {
  return [
    { name: `Finish P${position}`, value: percent(p[position - 1] ?? 0) },
    { name: "Mean position", value: places(mean), note: `± ${places(2 * error)}` },
    ...(lost === null ? [] : [lossFact(lost)]),
    ...(rejoin === null ? [] : [{ name: "Comes out", value: `P${Math.round(rejoin)}` }]),
    { name: "Races", value: count(draws) },
  ];
}

interface Props {
  column: Column;
  position: number;
  x: number; // middle of the column
  chartWidth: number;
}

export function Tooltip({ column, position, x, chartWidth }: Props) {
  const left = x + 14 + WIDTH > chartWidth ? Math.max(0, x - 14 - WIDTH) : x + 14;
  if (column.p.length === 0)
    return (
      <div className="tooltip" style={{ left, width: WIDTH }} aria-hidden="true">
        <strong>{column.title}</strong>
        <p>Not a legal call on this tyre.</p>
      </div>
    );
  return (
    <div className="tooltip" style={{ left, width: WIDTH }} aria-hidden="true">
      <strong>
        {column.title} {column.compound && <Tyre compound={column.compound} label={false} />} {column.compound}
      </strong>
      <FactList facts={factsOf(column, position)} />
    </div>
  );
}
