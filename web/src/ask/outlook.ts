import { callWords } from "../odds/decision";
import { amount, unitOf, withUnit } from "../odds/goal";
import type { BreakEven, Contingency, Decision } from "../wire/answer";

/** One line of "if ..., then ...". */
export interface Branch {
  event: string;
  call: string;
  note: string; // what that is worth, or how sure it is
  changes: boolean;
}

const EVENTS = { safety_car: "Safety car now", vsc: "VSC now", rain: "Rain now" } as const;
const PARAMETERS = { pit_loss_s: "Pit loss", wear: "Tyre wear", caution_rate: "Safety cars" } as const;
const STANDS = "stands";

/** Digits and unit; "×" is a multiple of what the model believes. */
const FORMS = { pit_loss_s: [1, "s"], wear: [2, "×"], caution_rate: [2, "×"] } as const;

const figure = (value: number, { parameter }: BreakEven) => value.toFixed(FORMS[parameter][0]);

/** "26.0 s", never with the unit on the next line. */
const size = (value: number, each: BreakEven) => `${figure(value, each)}\u00a0${FORMS[each.parameter][1]}`;

/** "14.2–37.8 s" */
const range = (each: BreakEven) => `${figure(each.tried_low, each)}–${size(each.tried_high, each)}`;

/** An interval is open where it leaves the range that was tried. */
function interval(each: BreakEven): string {
  const { low, high, tried_low, tried_high } = each;
  if (low !== null) return high === null ? `${size(low, each)} or more` : `${size(low, each)} to ${size(high, each)}`;
  return high === null ? `anything from ${size(tried_low, each)} to ${size(tried_high, each)}` : `up to ${size(high, each)}`;
}

function ifItHappens({ utility }: Decision, each: Contingency): Branch {
  const name = each.event === "rival_boxes" ? `${each.rival ?? "The car behind"} boxes now` : EVENTS[each.event];
  if (!each.changes) return { event: name, call: STANDS, note: "", changes: false };
  const unit = unitOf(utility);
  const note = `${withUnit(each.delta, unit)} better ±\u00a0${amount(2 * each.standard_error, unit)}`;
  return { event: name, call: callWords(each), note, changes: true };
}

function ifTheModelIsOff({ options }: Decision, each: BreakEven): Branch {
  const name = PARAMETERS[each.parameter];
  const other = options[each.other];
  const now = `now ${size(each.now, each)}`;
  if (each.value === null || !other)
    return { event: `${name} ${range(each)}`, call: STANDS, note: now, changes: false };
  const side = each.value > each.now ? "above" : "below";
  return { event: `${name} ${side} ${size(each.value, each)}`, call: callWords(other), note: `${now}, 95 %: ${interval(each)}`, changes: true };
}

/** What would change the call: what may happen now, and where the model would have to be wrong. */
export const eventsOf = (decision: Decision): Branch[] => decision.contingencies.map((each) => ifItHappens(decision, each));
export const limitsOf = (decision: Decision): Branch[] => decision.break_evens.map((each) => ifTheModelIsOff(decision, each));
