/** Keys that act while nobody types: single ones, and two in a row such as `g t`. */

import { useEffect, useRef } from "react";

const TOGETHER_MS = 1_200;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));

/** Calls what a key stands for; the names are those of `KeyboardEvent.key`. */
export function useKeys(bindings: Readonly<Record<string, () => void>>, enabled = true): void {
  const latest = useRef(bindings);
  useEffect(() => {
    latest.current = bindings;
  });
  useEffect(() => {
    if (!enabled) return undefined;
    let first = "";
    let at = 0;
    const pressed = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const both = event.timeStamp - at < TOGETHER_MS ? `${first} ${event.key}` : "";
      const act = latest.current[both] ?? (first === "g" && both !== "" ? undefined : latest.current[event.key]);
      first = event.key;
      at = event.timeStamp;
      if (act === undefined) return;
      event.preventDefault();
      first = "";
      act();
    };
    document.addEventListener("keydown", pressed);
    return () => {
      document.removeEventListener("keydown", pressed);
    };
  }, [enabled]);
}
