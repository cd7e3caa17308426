import { useLive, usePitwall } from "../live/context";
import type { RaceInfo } from "../wire/race";

function RaceCard({ race }: { race: RaceInfo }) {
  const pitwall = usePitwall();
  return (
    <li>
      <button type="button" className="panel race-card" onClick={() => pitwall.follow(race.id)}>
        <strong>{race.name}</strong>
        <span className="muted">
          <span className="series">{race.series}</span> · {race.total_laps} laps · {race.cars} cars
        </span>
        {race.live && <span className="live-mark">Live</span>}
      </button>
    </li>
  );
}

/** What there is to open, or how to get some. */
export function Races() {
  const races = useLive((state) => state.races);
  if (races === null) return <p className="empty start">Connecting to the pit wall…</p>;
  if (races.length === 0)
    return (
      <p className="empty start">
        <strong>No races here yet</strong>
        Import one with <code>pitcall race import laps FILE.parquet</code>, or start the bundled one with <code>pitcall demo</code>.
      </p>
    );
  return (
    <section className="start" aria-labelledby="races-title">
      <h2 id="races-title">Choose a race</h2>
      <ul className="race-cards">
        {races.map((race) => (
          <RaceCard key={race.id} race={race} />
        ))}
      </ul>
    </section>
  );
}
