/** Questions of a page: asked once for all who want the same, kept while the next answer comes, asked again on change. */

import { keepPreviousData, QueryClient, skipToken, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";

import { ask, type Answer, type GetPath, type Params, Refused } from "./client";
import { type Channel, onChange, useConnection } from "./live";

const SOONEST_MS = 1_000;
const REST = 3;
/** A question that took long is asked less often: it rests for so many times as long. */
const FIRST_MS = 150;
/** Changes that come together are answered together. */

export const questions = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < 2 && error instanceof Refused && error.problem.retryable,
      retryDelay: 1_000,
    },
  },
});

export interface Asking {
  /** Channels at whose changes it is asked again. */
  follow?: readonly Channel[];
  /** While true, changes are only counted: somebody reads. */
  hold?: boolean;
  /** Not yet, where false. */
  enabled?: boolean;
  /** Asked again after so long in any case, in milliseconds: a period that ends now moves on. */
  everyMs?: number;
}

export interface Asked<T> {
  data: T | undefined;
  error: Refused | null;
  /** Nothing was answered yet. */
  isLoading: boolean;
  /** The answer is of the question before. */
  isOld: boolean;
  /** Something came in while it was held. */
  isBehind: boolean;
  again: () => void;
}

/** Asks before anything shows the answer, which is there for `useAsk`, or on its way, when it is wanted. */
export function askAhead<P extends GetPath>(path: P, params: Params<P>): Promise<Answer<P>> {
  return questions.query({ queryKey: [path, params], queryFn: ({ signal }) => ask(path, params, signal) });
}

/** Asks the API; `null` for `params` asks nothing yet. */
export function useAsk<P extends GetPath>(path: P, params: Params<P> | null, asking: Asking = {}): Asked<Answer<P>> {
  const { follow = [], hold = false, enabled = true, everyMs } = asking;
  const key = [path, params] as const;
  const client = useQueryClient();
  const tookMs = useRef(0);
  const connection = useConnection();
  const isOn = enabled && params !== null;
  const { data, error, isPending, isPlaceholderData, refetch } = useQuery<Answer<P>, Refused>({
    queryKey: key,
    queryFn:
      params === null
        ? skipToken
        : async ({ signal }) => {
            const began = performance.now();
            try {
              return await ask(path, params, signal);
            } finally {
              tookMs.current = performance.now() - began;
            }
          },
    enabled: isOn,
    placeholderData: keepPreviousData,
    refetchInterval: everyMs !== undefined && connection !== "paused" && !hold ? everyMs : false,
  });
  const [isBehind, setBehind] = useState(false);
  const again = useCallback(() => {
    setBehind(false);
    void refetch({ cancelRefetch: false });
  }, [refetch]);

  const held = useRef(hold);
  useEffect(() => {
    held.current = hold;
  });
  const channels = isOn ? follow.join() : "";
  useEffect(() => {
    if (channels === "") return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let began = 0;
    const run = (): void => {
      timer = undefined;
      began = performance.now();
      if (held.current) setBehind(true);
      else again();
    };
    const changed = (): void => {
      const soonest = began + Math.max(SOONEST_MS, tookMs.current * (1 + REST));
      timer ??= setTimeout(run, Math.max(soonest - performance.now(), FIRST_MS));
    };
    const ends = channels.split(",").map((channel) => onChange(channel as Channel, changed));
    return () => {
      clearTimeout(timer);
      for (const end of ends) end();
    };
  }, [channels, again]);

  useEffect(() => {
    if (connection === "live") void client.invalidateQueries({ stale: true, type: "active" });
  }, [connection, client]);
  return { data, error, isLoading: isPending && isOn, isOld: isPlaceholderData, isBehind: isBehind && hold, again };
}
