import { useEffect } from "react";
import { chosenCar, useLive } from "../live/context";

/** The tab says how the race stands, also when another one is in front. */
export function useTitle(): void {
  const title = useLive((state) => {
    const { race } = state;
    const car = chosenCar(state);
    if (race === null) return "Pitcall";
    return `${car ? `${car.car} P${car.position ?? "–"} · ` : ""}L${race.lap}/${race.total_laps} · ${race.name} · Pitcall`;
  });
  useEffect(() => {
    document.title = title;
  }, [title]);
}
