import { type FormEvent, useCallback, useRef, useState } from "react";
import { useLive, usePitwall } from "../live/context";
import { newest } from "../live/questions";
import { MAX_TEXT } from "../wire/send";
import "./ask.css";
import { CarField } from "./CarField";
import { SUGGESTIONS } from "./suggestions";
import { useKeys } from "./useKeys";

function Suggestions({ disabled, onAsk }: { disabled: boolean; onAsk: (text: string) => void }) {
  return (
    <ul className="suggestions" aria-label="Suggested questions">
      {SUGGESTIONS.map((text) => (
        <li key={text}>
          <button type="button" className="button" disabled={disabled} onClick={() => onAsk(text)}>
            {text}
          </button>
        </li>
      ))}
    </ul>
  );
}

export function AskBox() {
  const pitwall = usePitwall();
  const live = useLive((state) => state.link === "live" && state.race !== null);
  const running = useLive((state) => (newest(state)?.status === "running" ? newest(state)?.id : undefined));
  const [text, setText] = useState("");
  const box = useRef<HTMLInputElement>(null);
  useKeys(
    box,
    useCallback(() => running && pitwall.cancel(running), [pitwall, running]),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!live || text.trim() === "") return;
    pitwall.ask(text);
    setText("");
  };
  return (
    <section className="ask" aria-label="Question">
      <form onSubmit={submit}>
        <CarField />
        <input
          ref={box}
          className="field question-field"
          aria-label="Ask the pit wall"
          placeholder="Ask the pit wall… ( / )"
          maxLength={MAX_TEXT}
          autoComplete="off"
          enterKeyHint="send"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <button type="submit" className="button button-main" disabled={!live}>
          Ask
        </button>
      </form>
      <Suggestions disabled={!live} onAsk={(suggestion) => pitwall.ask(suggestion)} />
    </section>
  );
}
