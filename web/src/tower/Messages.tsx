import { useLive } from "../live/context";
import { raceClock } from "../ui/format";

/** Race control, newest first. */
export function Messages() {
  const messages = useLive((state) => state.race?.messages ?? null);
  if (messages === null || messages.length === 0) return null;
  return (
    <section className="messages" aria-label="Race control">
      <h2 className="panel-title">Race control</h2>
      <ol>
        {messages.toReversed().map(({ t_s, text }) => (
          <li key={`${t_s} ${text}`}>
            <time className="muted">{raceClock(t_s)}</time> {text}
          </li>
        ))}
      </ol>
    </section>
  );
}
