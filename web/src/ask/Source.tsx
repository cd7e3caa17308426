import { useLive } from "../live/context";
import { newest } from "../live/questions";
import { Provenance } from "./Provenance";
import { Skill } from "./Skill";
import { Timings } from "./Timings";

/** Where the newest answer comes from and where its time went. */
export function Source() {
  const question = useLive(newest);
  if (!question?.answer) return null;
  const { provenance, timings } = question.answer;
  return (
    <footer className="panel source">
      <Provenance source={provenance} decision={question.decision} />
      <Timings times={timings} />
      {question.decision && <Skill model={provenance.model} />}
    </footer>
  );
}
