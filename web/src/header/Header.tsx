import { useLive } from "../live/context";
import { raceClock } from "../ui/format";
import { flagOf } from "./flags";
import "./header.css";
import { LinkState } from "./LinkState";
import { RaceSwitch } from "./RaceSwitch";

function RaceFacts() {
  const race = useLive((state) => state.race);
  if (race === null) return null;
  const flag = flagOf(race);
  return (
    <>
      <p className="lap-count">
        <span className="muted">Lap</span> <strong>{race.lap}</strong>
        <span className="muted"> / {race.total_laps}</span>
      </p>
      <p className={`flag flag-${flag.name}`}>{flag.words}</p>
      {race.wet && <p className="flag flag-wet">Wet</p>}
      <p className="race-clock">
        <span className="sr-only">Race time </span>
        {raceClock(race.t_s)}
      </p>
    </>
  );
}

export function Header() {
  return (
    <header className="header">
      <h1 className="brand">
        <img src="/favicon.svg" alt="" width="24" height="24" />
        <span>Pitcall</span>
      </h1>
      <RaceSwitch />
      <RaceFacts />
      <LinkState />
    </header>
  );
}
