import type { Decision } from "../wire/answer";
import { type Branch, eventsOf, limitsOf } from "./outlook";

function Branches({ title, branches }: { title: string; branches: Branch[] }) {
  if (branches.length === 0) return null;
  return (
    <table>
      <caption>{title}</caption>
      <thead className="sr-only">
        <tr>
          <th scope="col">If</th>
          <th scope="col">Then</th>
          <th scope="col">Note</th>
        </tr>
      </thead>
      <tbody>
        {branches.map((branch) => (
          <tr key={branch.event} data-changes={branch.changes || undefined}>
            <th scope="row">{branch.event}</th>
            <td>{branch.call}</td>
            <td className="muted">{branch.note}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** "If ..., then ...": what would change the call. */
export function Outlook({ decision }: { decision: Decision }) {
  if (decision.contingencies.length + decision.break_evens.length === 0) return null;
  return (
    <section className="outlook" aria-label="What would change the call">
      <Branches title="If it happens now" branches={eventsOf(decision)} />
      <Branches title="If it is not as believed" branches={limitsOf(decision)} />
    </section>
  );
}
