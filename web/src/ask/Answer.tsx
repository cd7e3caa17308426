import type { ReactNode } from "react";
import { useLive, usePitwall } from "../live/context";
import { lapsOf, newest } from "../live/questions";
import type { Question, Answer as Said } from "../live/state";
import { Call } from "./Call";
import { Cited } from "./Cited";
import { Facts } from "./Facts";
import { Outlook } from "./Outlook";
import { Sources } from "./Sources";
import { oldWords, progressWords } from "./words";

function Asked({ question }: { question: Question }) {
  const old = useLive((state) => oldWords(question, state));
  return (
    <p className="asked">
      <strong>{question.text}</strong>
      <span className="muted">
        {question.car && `${question.car}, `}lap {question.knownLap}
      </span>
      {old && question.status === "done" && <span className="old">{old}</span>}
    </p>
  );
}

/** The only live region of the page: what a screen reader says is what the radio would. */
function Radio({ question }: { question: Question | null }) {
  let said: ReactNode = null;
  if (question?.status === "running") said = question.decision ? "Refining…" : "Asking…";
  if (question?.answer) said = <Cited text={question.answer.text} sources={question.answer.sources} />;
  if (question?.problem) said = question.problem.error === "Cancelled" ? "Question cancelled." : question.problem.detail;
  return (
    <output aria-live="polite" className="radio" data-status={question?.status}>
      {said}
    </output>
  );
}

function Actions({ question }: { question: Question }) {
  const pitwall = usePitwall();
  const { status, problem, cancelling, text, lap, car } = question;
  if (status === "running")
    return (
      <p className="actions">
        <span className="muted">{progressWords(question)}</span>
        <button type="button" className="button" disabled={cancelling} onClick={() => pitwall.cancel(question.id)}>
          Cancel <kbd>Esc</kbd>
        </button>
      </p>
    );
  if (problem === null || !(problem.retryable || problem.error === "Cancelled")) return null;
  return (
    <p className="actions">
      <button type="button" className="button" onClick={() => pitwall.ask(text, { lap, car })}>
        {problem.retryable ? "Retry" : "Ask again"}
      </button>
    </p>
  );
}

function Why({ why, sources }: Pick<Said, "why" | "sources">) {
  if (why.length === 0) return null;
  return (
    <ul className="why" aria-label="Why">
      {why.map((line) => (
        <li key={line}>
          <Cited text={line} sources={sources} />
        </li>
      ))}
    </ul>
  );
}

export function Answer() {
  const question = useLive(newest);
  const lapsDone = useLive((state) => (question === null ? 0 : lapsOf(state, question.car)));
  const answer = question?.answer ?? null;
  const decision = question?.status === "failed" ? null : (question?.decision ?? null);
  return (
    <section className="panel answer" aria-label="Answer" data-empty={question === null || undefined}>
      <div className="answer-main">
        {question && <Asked question={question} />}
        {question && decision && <Call decision={decision} lapsDone={lapsDone} final={question.status === "done"} />}
        <Radio question={question} />
        {question && <Actions question={question} />}
      </div>
      {answer && <Why why={answer.why} sources={answer.sources} />}
      {decision && <Facts decision={decision} />}
      {decision && <Outlook decision={decision} />}
      {question && answer && <Sources key={question.id} answer={answer} shown={question.tool === "search"} />}
    </section>
  );
}
