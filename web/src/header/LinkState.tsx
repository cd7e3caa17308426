import { useLive } from "../live/context";
import { useNow } from "../ui/useNow";
import { linkWords } from "./link-words";

/** How fresh the page is, in words; a dot alone would not say it. */
export function LinkState() {
  const link = useLive((state) => state.link);
  const heardAt = useLive((state) => state.heardAt);
  const moving = useLive((state) => state.race !== null && !state.race.finished && (state.replay?.playing ?? true));
  const now = useNow(1_000);
  const { tone, words } = linkWords(link, Math.max(0, now - (heardAt ?? now)), moving);
  return (
    <p className={`link link-${tone}`}>
      <i aria-hidden="true" />
      {words}
    </p>
  );
}
