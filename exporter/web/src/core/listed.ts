/** A list that is read page by page: the first one follows what comes in, until somebody asks for more. */

import { useState } from "react";

import { type Asked, type Asking, useAsk } from "./ask";
import { type Answer, ask, type GetPath, type Params, Refused } from "./client";

interface Page<Row> {
  items: readonly Row[];
  next_cursor: string | null;
}

type RowOf<P extends GetPath> = Answer<P> extends { items: readonly (infer Row)[] } ? Row : never;

export interface Listed<Row> {
  rows: readonly Row[] | undefined;
  error: Refused | null;
  hasMore: boolean;
  isAsking: boolean;
  /** Reads the next page; what was read stands still from then on. */
  more: () => Promise<void>;
  /** Something came in that is not shown. */
  isBehind: boolean;
  /** Back to the first page, as it is now. */
  again: () => void;
}

/** Asks for a list; `params.query` must not hold a cursor. */
export function useListed<P extends GetPath>(path: P, params: Params<P>, asking: Asking = {}): Listed<RowOf<P>> {
  const key = JSON.stringify(params);
  const [kept, setKept] = useState<{ key: string; page: Page<RowOf<P>> } | null>(null);
  const [isAsking, setAsking] = useState(false);
  const [failed, setFailed] = useState<Refused | null>(null);
  const own = kept?.key === key ? kept.page : null;
  const first = useAsk(path, params, { ...asking, hold: (asking.hold ?? false) || own !== null });
  const page = own ?? (first as Asked<unknown> as Asked<Page<RowOf<P>>>).data;
  const cursor = page?.next_cursor ?? null;

  const more = async (): Promise<void> => {
    if (page === undefined || cursor === null || isAsking) return;
    setAsking(true);
    setFailed(null);
    try {
      const query = { ...(params as { query?: object }).query, cursor };
      const next = (await ask(path, { ...params, query } as Params<P>)) as unknown as Page<RowOf<P>>;
      setKept({ key, page: { items: [...page.items, ...next.items], next_cursor: next.next_cursor } });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setFailed(error);
    } finally {
      setAsking(false);
    }
  };
  return {
    rows: page?.items,
    error: first.error ?? failed,
    hasMore: cursor !== null,
    isAsking,
    more,
    isBehind: first.isBehind,
    again: () => {
      setKept(null);
      first.again();
    },
  };
}
