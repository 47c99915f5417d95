/** The time, which goes on by itself. */

import { useReducedMotion } from "@mantine/hooks";
import { useEffect, useState } from "react";

const SECOND_MS = 1_000;

/** Unix milliseconds, each second anew: for what says how long something has lasted. */
export function useNow(everyMs = SECOND_MS): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      setNow(Date.now());
    }, everyMs);
    return () => {
      clearInterval(timer);
    };
  }, [everyMs]);
  return now;
}

/**
 * The server's time, since clocks of browsers are often wrong: Unix nanoseconds of its last answer, and as many as went
 * by since; it stands while there is none.
 */
export function useServerNow(answeredNs: number | null | undefined, everyMs = SECOND_MS): number {
  const [now, setNow] = useState(0);
  const isCalm = useReducedMotion();
  useEffect(() => {
    if (answeredNs === null || answeredNs === undefined) return undefined;
    const at = performance.now();
    const timer = setInterval(
      () => {
        setNow(answeredNs + (performance.now() - at) * 1e6);
      },
      isCalm ? SECOND_MS : everyMs,
    );
    return () => {
      clearInterval(timer);
    };
  }, [answeredNs, everyMs, isCalm]);
  return Math.max(now, answeredNs ?? 0);
}
