import { useMemo, useState } from "react";
import { useLive } from "../live/context";
import { drawn, newest } from "../live/questions";
import type { Question } from "../live/state";
import { pitWindow } from "../odds/decision";
import { unitOf } from "../odds/goal";
import { count } from "../ui/format";
import "./chart.css";
import { CompoundTabs } from "./CompoundTabs";
import { decisionColumns, forecastColumns, triedCompounds, type View } from "./columns";
import { HeatMap } from "./HeatMap";
import { Legend } from "./Legend";
import { NoOdds } from "./NoOdds";
import { OddsTable } from "./OddsTable";

/** What the chart is of; says so when it belongs to an earlier question than the answer above it. */
function Title({ question }: { question: Question }) {
  const earlier = useLive((state) => newest(state) !== question);
  const { decision, forecast, car, knownLap, status } = question;
  const draws = decision?.draws ?? forecast?.draws ?? 0;
  return (
    <div className="chart-title">
      <h2>{decision ? "Where each call finishes" : "Where everybody finishes"}</h2>
      <p className="draws" data-running={status === "running" || undefined}>
        <strong>{count(draws)}</strong> races{decision && " per call"}
      </p>
      {earlier && (
        <p className="muted">
          {question.text} {car && `${car}, `}lap {knownLap}
        </p>
      )}
    </div>
  );
}

export function OddsChart() {
  const question = useLive(drawn);
  const chosen = useLive((state) => state.car);
  const [view, setView] = useState<View>(null);
  const [asTable, setAsTable] = useState(false);
  const { decision = null, forecast = null } = question ?? {};
  const compounds = useMemo(() => (decision ? triedCompounds(decision) : []), [decision]);
  const shownView = view !== null && compounds.includes(view) ? view : null;
  const columns = useMemo(() => {
    if (decision) return decisionColumns(decision, shownView);
    return forecast ? forecastColumns(forecast, chosen) : [];
  }, [decision, forecast, shownView, chosen]);
  if (question === null || columns.length === 0) return <NoOdds />;
  const name = decision ? "Call" : "Car";
  const window = decision && pitWindow(decision);
  return (
    <section className="panel chart" aria-label="Odds of every finishing position">
      <div className="chart-head">
        <Title question={question} />
        {decision && <CompoundTabs compounds={compounds} view={shownView} onView={setView} />}
        <button type="button" className="button" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          As table
        </button>
      </div>
      {asTable ? <OddsTable columns={columns} name={name} /> : <HeatMap columns={columns} name={name} window={window} />}
      {!asTable && <Legend losses={decision && unitOf(decision.utility).name} />}
    </section>
  );
}
