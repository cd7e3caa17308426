import { Tyre } from "../ui/Tyre";
import type { Compound } from "../wire/race";
import type { View } from "./columns";

interface Props {
  compounds: readonly Compound[];
  view: View;
  onView: (view: View) => void;
}

/** Which tyre the columns are drawn for. Radio buttons: arrow keys come with them. */
export function CompoundTabs({ compounds, view, onView }: Props) {
  return (
    <fieldset className="compound-tabs">
      <legend className="sr-only">Tyre</legend>
      {[null, ...compounds].map((each) => (
        <label key={each ?? "best"} data-on={each === view || undefined}>
          <input type="radio" name="tyre" className="sr-only" checked={each === view} onChange={() => onView(each)} />
          {each === null ? "Best tyre" : <Tyre compound={each} label={false} />}
          {each !== null && <span>{each}</span>}
        </label>
      ))}
    </fieldset>
  );
}
