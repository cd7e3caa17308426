import { useLive, usePitwall } from "../live/context";

/** The race on screen; a choice when the server has several. */
export function RaceSwitch() {
  const pitwall = usePitwall();
  const races = useLive((state) => state.races);
  const raceId = useLive((state) => state.raceId);
  const name = useLive((state) => state.race?.name ?? null);
  if (races === null || raceId === null) return null;
  if (races.length < 2) return <p className="race-name">{name ?? races[0]?.name}</p>;
  return (
    <select
      className="field race-name"
      aria-label="Race"
      value={raceId}
      onChange={(event) => (event.target.value === "" ? pitwall.leave() : pitwall.follow(event.target.value))}
    >
      {races.map((race) => (
        <option key={race.id} value={race.id}>
          {race.name}
        </option>
      ))}
      <option value="">All races…</option>
    </select>
  );
}
