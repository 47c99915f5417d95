/** The server's time, which goes on by itself between its answers: clocks of browsers are often wrong. */

import { useReducedMotion } from "@mantine/hooks";
import { useEffect, useState } from "react";

const CALM_MS = 1_000;

/** Unix nanoseconds: those of the last answer, and as many as went by since; it stands while there is none. */
export function useServerNow(answeredNs: number | null | undefined, everyMs = CALM_MS): number {
  const [now, setNow] = useState(0);
  const isCalm = useReducedMotion();
  useEffect(() => {
    if (answeredNs === null || answeredNs === undefined) return undefined;
    const at = performance.now();
    const timer = setInterval(
      () => {
        setNow(answeredNs + (performance.now() - at) * 1e6);
      },
      isCalm ? CALM_MS : everyMs,
    );
    return () => {
      clearInterval(timer);
    };
  }, [answeredNs, everyMs, isCalm]);
  return Math.max(now, answeredNs ?? 0);
}
