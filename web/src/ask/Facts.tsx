import type { Decision } from "../wire/answer";
import { factsOf } from "./facts";

export function Facts({ decision }: { decision: Decision }) {
  return (
    <dl className="facts">
      {factsOf(decision).map(({ name, value, note }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {value} {note && <small>{note}</small>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
