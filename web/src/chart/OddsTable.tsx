import { count, percent } from "../ui/format";
import { type Column, rowsOf } from "./columns";

const signed = (value: number, error: number, decimals = 2) => `${value.toFixed(decimals)} ± ${(2 * error).toFixed(decimals)}`;

/** The same numbers as the heat map, for those who do not see it or want to copy them. */
export function OddsTable({ columns, name }: { columns: readonly Column[]; name: string }) {
  const positions = Array.from({ length: rowsOf(columns) }, (_, i) => i + 1);
  const unit = columns.find((column) => column.lost)?.lost?.unit;
  const calls = unit !== undefined;
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, and only what has focus scrolls by keyboard
    <section className="odds-table" aria-label="Odds as a table" tabIndex={0}>
      <table>
        <caption className="sr-only">Chance of each finishing position. Errors are two standard errors.</caption>
        <thead>
          <tr>
            <th scope="col">{name}</th>
            {calls && <th scope="col">Tyre</th>}
            <th scope="col">Mean position</th>
            {calls && <th scope="col">{unit.Name} lost</th>}
            {calls && <th scope="col">Comes out</th>}
            <th scope="col">Races</th>
            {positions.map((position) => (
              <th key={position} scope="col">
                P{position}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {columns
            .filter((column) => column.p.length > 0)
            .map((column) => (
              <tr key={column.key} data-marked={column.marked || undefined}>
                <th scope="row">{column.title}</th>
                {calls && <td>{column.compound ?? "–"}</td>}
                <td>{signed(column.mean, column.error)}</td>
                {calls && <td>{column.lost ? signed(column.lost.amount, column.lost.error, column.lost.unit.decimals) : "–"}</td>}
                {calls && <td>{column.rejoin === null ? "–" : `P${Math.round(column.rejoin)}`}</td>}
                <td>{count(column.draws)}</td>
                {positions.map((position) => (
                  <td key={position}>{percent(column.p[position - 1] ?? 0)}</td>
                ))}
              </tr>
            ))}
        </tbody>
      </table>
    </section>
  );
}
