import { useLive, usePitwall } from "../live/context";

/** The car that "I" means: the same choice as a row of the tower, near the thumb on a phone. */
export function CarField() {
  const pitwall = usePitwall();
  const cars = useLive((state) => state.race?.cars) ?? [];
  const chosen = useLive((state) => state.car);
  const known = cars.some((car) => car.car === chosen);
  return (
    <select
      className="field car-field"
      aria-label="Car"
      value={known ? (chosen ?? "") : ""}
      onChange={(event) => pitwall.choose(event.target.value)}
    >
      <option value="" disabled>
        Car
      </option>
      {cars.map((car) => (
        <option key={car.car} value={car.car}>
          {car.car}
        </option>
      ))}
    </select>
  );
}
