/** A statement that runs on the server: one at a time, ended there when nobody waits for it here. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api, Refused, type Schemas, taken } from "../../core/client";

export type Answer = Schemas["Answered"];

export interface Statement {
  answer: Answer | undefined;
  error: Refused | null;
  isRunning: boolean;
  /** It was ended before its answer came. */
  isCancelled: boolean;
  /** When it began, in milliseconds. */
  beganAt: number;
  cancel: () => void;
  again: () => void;
}

export function useStatement(query: string): Statement {
  const client = useQueryClient();
  const [beganAt, setBeganAt] = useState(0);
  const key = ["sql", query] as const;
  const { data, error, fetchStatus, isPending, refetch } = useQuery<Answer, Refused>({
    queryKey: key,
    queryFn: async ({ signal }) => {
      setBeganAt(Date.now());
      return taken(await api.POST("/api/sql", { body: { query, limit: MOST_ROWS }, signal })) as Answer;
    },
    enabled: query !== "",
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
  });
  const isRunning = fetchStatus === "fetching";
  return {
    answer: data,
    error: isRunning ? null : error,
    isRunning,
    isCancelled: query !== "" && isPending && fetchStatus === "idle",
    beganAt,
    cancel: () => {
      void client.cancelQueries({ queryKey: key });
    },
    again: () => {
      void refetch();
    },
  };
}

export const MOST_ROWS = 10_000;

/** The rows as CSV, which the server writes so that no spreadsheet takes text for a formula. */
export async function downloaded(query: string): Promise<void> {
  const answer = await api.POST("/api/sql", {
    body: { query, limit: MOST_ROWS },
    headers: { accept: "text/csv" },
    parseAs: "blob",
  });
  const csv: Blob = taken(answer);
  const url = URL.createObjectURL(csv);
  const link = document.createElement("a");
  link.href = url;
  link.download = "query.csv";
  link.click();
  URL.revokeObjectURL(url);
}
