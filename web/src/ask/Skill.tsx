import { useLive } from "../live/context";
import { skillWords } from "./skill";

/** One line: how far the odds of this model could be trusted so far. */
export function Skill({ model }: { model: string }) {
  const skill = useLive((state) => state.skill);
  if (skill === null) return null;
  const [figure, small] = skillWords(skill, model);
  return (
    <p className="skill">
      <span>{figure}</span>
      {small && <span className="muted">{small}</span>}
      {skill.degraded && <span className="unresolved">Calls are not being stored</span>}
    </p>
  );
}
