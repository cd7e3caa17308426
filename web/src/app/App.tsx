import { Answer } from "../ask/Answer";
import { AskBox } from "../ask/AskBox";
import { Source } from "../ask/Source";
import { OddsChart } from "../chart/OddsChart";
import { Header } from "../header/Header";
import { useLive } from "../live/context";
import { ReplayBar } from "../replay/ReplayBar";
import { Messages } from "../tower/Messages";
import { Tower } from "../tower/Tower";
import "./app.css";
import { Notice } from "./Notice";
import { Races } from "./Races";
import { useAddress } from "./useAddress";
import { useTitle } from "./useTitle";

function Wall() {
  return (
    <main className="wall">
      <div className="side panel">
        <Tower />
        <Messages />
      </div>
      <div className="desk">
        <AskBox />
        <Answer />
        <OddsChart />
        <Source />
      </div>
    </main>
  );
}

function Start() {
  const opening = useLive((state) => state.raceId !== null);
  return <main>{opening ? <p className="empty start">Opening the race…</p> : <Races />}</main>;
}

export function App() {
  useAddress();
  useTitle();
  const ready = useLive((state) => state.race !== null);
  return (
    <>
      <Header />
      <Notice />
      {ready ? <Wall /> : <Start />}
      <ReplayBar />
    </>
  );
}
