import { type RefObject, useEffect } from "react";

const TYPING = "input:not([type=range], [type=radio]), textarea, select";
const isTyping = (target: EventTarget | null) => target instanceof Element && target.matches(TYPING);

/** "/" goes to the question box from anywhere but a field; Escape runs `cancel`. */
export function useKeys(box: RefObject<HTMLInputElement | null>, cancel: () => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key === "Escape") cancel();
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      event.preventDefault();
      box.current?.focus();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [box, cancel]);
}
