import { lapsSince } from "../live/questions";
import type { LiveState, Question } from "../live/state";
import { callWords, runnerUp, settled, tied } from "../odds/decision";
import { count, laps } from "../ui/format";
import type { Decision } from "../wire/answer";

/** What is being done, while there is no answer yet. */
export function progressWords({ cancelling, decision, stage, tool }: Question): string {
  if (cancelling) return "Cancelling…";
  if (decision === null) return tool === null ? "Asking…" : `Working: ${tool.replaceAll("_", " ")}…`;
  const calls = `${count(decision.options.length)} calls, ${count(decision.draws)} races for each still in play`;
  return stage === "screen" ? `Screening ${calls}` : `Refining ${calls}`;
}

/** Whether the best call stands out, and how many others are as good. */
export function certaintyWords(decision: Decision): string {
  const equals = tied(decision);
  const [first] = equals;
  if (settled(decision)) {
    if (first === undefined) return "Resolved";
    return `Resolved, level with ${equals.length === 1 ? callWords(first) : `${equals.length} other calls`}`;
  }
  const second = first ?? runnerUp(decision);
  if (second === null) return "Cannot be told apart";
  const more = equals.length > 1 ? ` and ${equals.length - 1} more` : "";
  return `Cannot be told apart from ${callWords(second)}${more}`;
}

/** When the call falls, from the lap that the car is on now. */
export function dueWords(inLap: number, lapsDone: number): string {
  const left = inLap - lapsDone - 1;
  if (left < 0) return "lap passed, ask again";
  return left === 0 ? "this lap" : `in ${laps(left)}`;
}

/** Why an answer is no longer about the present; null while it is. */
export function oldWords(question: Question, state: LiveState): string | null {
  if (state.link === "lost") return "Old: link lost";
  const passed = lapsSince(state, question);
  if (passed === 0) return null;
  return passed > 0 ? `${laps(passed)} old` : "From a later lap";
}
