import { useEffect, useState } from "react";

import { useConnection } from "../../core/live";

/** The present in Unix nanoseconds, which moves on every so often, but not while the page is paused. */
export function useNow(everyMs = 5_000): number {
  const [now, setNow] = useState(() => Date.now() * 1e6);
  const isPaused = useConnection() === "paused";
  useEffect(() => {
    if (isPaused) return undefined;
    const timer = setInterval(() => {
      setNow(Date.now() * 1e6);
    }, everyMs);
    return () => {
      clearInterval(timer);
    };
  }, [everyMs, isPaused]);
  return now;
}
