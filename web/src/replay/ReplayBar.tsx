import { useLive, usePitwall } from "../live/context";
import { raceClock } from "../ui/format";
import "./replay.css";
import { useScrub } from "./useScrub";

const SPEEDS = [1, 2, 5, 10, 20, 50, 100];

function PlayButton({ playing, ended }: { playing: boolean; ended: boolean }) {
  const pitwall = usePitwall();
  const name = ended ? "Replay from the grid" : playing ? "Pause" : "Play";
  const press = () => {
    if (ended) pitwall.control({ action: "seek", lap: 0 });
    pitwall.control({ action: playing && !ended ? "pause" : "play" });
  };
  return (
    <button type="button" className="button play" aria-label={name} title={name} onClick={press}>
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        <path d={playing && !ended ? "M3 2h4v12H3zM9 2h4v12H9z" : "M3 1.5 14 8 3 14.5z"} />
      </svg>
    </button>
  );
}

/** Speeds on offer; one that the server chose is shown too. */
function Speed({ speed }: { speed: number }) {
  const pitwall = usePitwall();
  const speeds = SPEEDS.includes(speed) ? SPEEDS : [...SPEEDS, speed].toSorted((a, b) => a - b);
  const set = (text: string) => pitwall.control({ action: "speed", speed: Number(text) });
  return (
    <select className="field" aria-label="Replay speed" value={speed} onChange={(event) => set(event.target.value)}>
      {speeds.map((each) => (
        <option key={each} value={each}>
          {each}×
        </option>
      ))}
    </select>
  );
}

/** Moves through a recorded race. A live race has none. */
export function ReplayBar() {
  const pitwall = usePitwall();
  const replay = useLive((state) => state.replay);
  const [lap, scrub] = useScrub(replay, (to) => pitwall.control({ action: "seek", lap: to }));
  if (replay === null) return null;
  const where = lap === 0 ? "Grid" : `Lap ${lap}`;
  return (
    <section className="replay" aria-label="Replay">
      <PlayButton playing={replay.playing} ended={replay.ended} />
      <input
        type="range"
        aria-label="Lap"
        aria-valuetext={`${where} of ${replay.total_laps}`}
        min={0}
        max={replay.total_laps}
        value={lap}
        onChange={(event) => scrub(event.target.valueAsNumber)}
      />
      <p className="replay-lap">
        <strong>{where}</strong> <span className="muted">/ {replay.total_laps}</span>
        <span className="muted replay-clock">{raceClock(replay.t_s)}</span>
      </p>
      <Speed speed={replay.speed} />
    </section>
  );
}
