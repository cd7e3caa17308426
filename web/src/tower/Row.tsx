import { type KeyboardEvent, memo } from "react";
import { gap, lapTime } from "../ui/format";
import { Tyre } from "../ui/Tyre";
import type { Car } from "../wire/race";
import { isClose, isLeader, statusWord } from "./status";

interface Props {
  car: Car;
  chosen: boolean;
  onChoose: (car: string) => void;
}

/** Up and down walk the rows, as in any list; Enter or space chooses. */
function walk(event: KeyboardEvent<HTMLElement>) {
  const row = event.currentTarget.closest("tr");
  const next = { ArrowDown: row?.nextElementSibling, ArrowUp: row?.previousElementSibling }[event.key];
  if (!next) return;
  next.querySelector("button")?.focus();
  event.preventDefault();
}

/** One car. The whole row takes a click; its button takes the keyboard. */
export const Row = memo(function Row({ car, chosen, onChoose }: Props) {
  const out = car.status === "retired";
  return (
    <tr className="tower-row" data-chosen={chosen || undefined} data-out={out || undefined} onClick={() => onChoose(car.car)}>
      <td className="num pos">{out ? "–" : car.position}</td>
      <th scope="row">
        <button type="button" aria-pressed={chosen} title={car.driver} onKeyDown={walk}>
          {car.car}
        </button>
      </th>
      <td className="who">
        <span>{car.driver}</span> <small>{car.team}</small>
      </td>
      <td className="num">{out ? "" : isLeader(car) ? "Leader" : gap(car.gap_s, car.laps_down)}</td>
      <td className="num" data-close={isClose(car) || undefined}>
        {out || isLeader(car) ? "" : gap(car.interval_s)}
      </td>
      <td className="num last">{out ? "" : lapTime(car.last_lap_s)}</td>
      <td className="set">
        <Tyre compound={car.compound} />
        <span className="num">{car.tyre_age ?? "–"}</span>
      </td>
      <td className="num stops">{car.stops}</td>
      <td className="status" data-status={car.status}>
        {statusWord(car)}
      </td>
    </tr>
  );
});
