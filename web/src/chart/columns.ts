import { perLap, stayOut } from "../odds/decision";
import { type Unit, unitOf } from "../odds/goal";
import { standardError } from "../odds/odds";
import type { Decision, Forecast, Option } from "../wire/answer";
import { COMPOUNDS, type Compound } from "../wire/race";

/** One column of the heat map: a candidate call, or a car of a forecast. */
export interface Column {
  key: string;
  label: string; // on the axis
  title: string; // in full
  compound: Compound | null;
  p: readonly number[]; // P(finishing 1st, 2nd, ...); empty: not a legal call
  mean: number;
  error: number; // standard error of the mean
  lost: { amount: number; error: number; unit: Unit } | null; // against the best, paired; in the unit as it is shown
  rejoin: number | null;
  draws: number;
  marked: boolean; // the best call, or the chosen car
  apart: boolean; // stands off the others: stay out
}

/** Null shows, for each lap, the best tyre for it. */
export type View = Compound | null;

const BLANK = { p: [], mean: 0, error: 0, lost: null, rejoin: null, draws: 0, marked: false, compound: null };

const column = (option: Option, marked: boolean, unit: Unit) => ({
  compound: option.compound,
  p: option.p_position,
  mean: option.mean_position,
  error: standardError(option.p_position, option.draws),
  lost: { amount: option.delta * unit.times, error: option.standard_error * unit.times, unit },
  rejoin: option.rejoin_position,
  draws: option.draws,
  marked,
});

/** The compounds that the decision has tried, softest first. */
export const triedCompounds = (decision: Decision): Compound[] =>
  COMPOUNDS.filter((name) => decision.options.some((option) => option.compound === name));

/** One column per in-lap that was tried with any tyre, so that a change of view moves none; then "stay out". */
export function decisionColumns(decision: Decision, view: View): Column[] {
  const best = decision.options[decision.best];
  const shown = perLap(decision, view);
  const unit = unitOf(decision.utility);
  const laps = [...perLap(decision, null).keys()].map((lap): Column => {
    const option = shown.get(lap);
    const names = { key: `lap ${lap}`, label: String(lap), title: `Box lap ${lap}`, apart: false };
    return { ...BLANK, ...names, ...(option && column(option, option === best, unit)) };
  });
  const stay = stayOut(decision);
  const names = { key: "stay", label: "Stay", title: "Stay out", apart: true };
  return stay === null ? laps : [...laps, { ...names, ...column(stay, stay === best, unit) }];
}

export function forecastColumns(forecast: Forecast, chosen: string | null): Column[] {
  return forecast.cars.map(({ car, mean_position, p_position }) => ({
    ...BLANK,
    key: car,
    label: car,
    title: car,
    p: p_position,
    mean: mean_position,
    error: standardError(p_position, forecast.draws),
    draws: forecast.draws,
    marked: car === chosen,
    apart: false,
  }));
}

/** Finishing positions that the columns speak of. */
export const rowsOf = (columns: readonly Column[]): number => Math.max(1, ...columns.map((each) => each.p.length));
