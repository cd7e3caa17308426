import { useCallback } from "react";
import { useLive, usePitwall } from "../live/context";
import { Row } from "./Row";
import "./tower.css";

export function Tower() {
  const pitwall = usePitwall();
  const cars = useLive((state) => state.race?.cars ?? null);
  const chosen = useLive((state) => state.car);
  const choose = useCallback((car: string) => pitwall.choose(car), [pitwall]);
  if (cars === null) return null;
  return (
    <table className="tower">
      <caption className="sr-only">Running order. Choose a car to ask about it.</caption>
      <thead>
        <tr>
          <th scope="col" className="num"><abbr title="Position">P</abbr></th>
          <th scope="col">Car</th>
          <th scope="col" className="who">Driver</th>
          <th scope="col" className="num">Gap</th>
          <th scope="col" className="num">Int</th>
          <th scope="col" className="num">Last</th>
          <th scope="col">Tyre</th>
          <th scope="col" className="num stops"><abbr title="Pit stops">St</abbr></th>
          <th scope="col"><span className="sr-only">Status</span></th>
        </tr>
      </thead>
      <tbody>
        {cars.map((car) => (
          <Row key={car.car} car={car} chosen={car.car === chosen} onChoose={choose} />
        ))}
      </tbody>
    </table>
  );
}
