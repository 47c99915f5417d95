/** The URL is the state: what a link shows is what its reader sees. */

import { useCallback, useMemo } from "react";
import { useSearchParams } from "wouter";

/** A search parameter and how to set it; the default does not appear in the URL. `push` makes a step of the history. */
export function useParam(
  name: string,
  standard = "",
  { push = false }: { push?: boolean } = {},
): readonly [string, (value: string) => void] {
  const [parameters, setParameters] = useSearchParams();
  const set = useCallback(
    (value: string) => {
      setParameters((before) => changed(before, { [name]: value === standard ? null : value }), { replace: !push });
    },
    [name, standard, push, setParameters],
  );
  return [parameters.get(name) ?? standard, set];
}

/** Sets several at once; null takes one away. */
export function useParams(): readonly [
  URLSearchParams,
  (values: Record<string, string | null>, push?: boolean) => void,
] {
  const [parameters, setParameters] = useSearchParams();
  const set = useCallback(
    (values: Record<string, string | null>, push = false) => {
      setParameters((before) => changed(before, values), { replace: !push });
    },
    [setParameters],
  );
  return [parameters, set];
}

/** `before` with the values; empty ones and nulls are gone. */
export function changed(before: URLSearchParams, values: Record<string, string | null>): URLSearchParams {
  const after = new URLSearchParams(before);
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === "") after.delete(name);
    else after.set(name, value);
  }
  return after;
}

export type RangeQuery = { range: string } | { start: string; end: string };

export interface Span {
  /** As the API takes it. */
  query: RangeQuery;
  /** It ends now, and follows. */
  isRelative: boolean;
  /** What a person calls it: `1h`, or two times. */
  label: string;
  /** Its length. */
  ns: number;
}

export interface Range extends Span {
  setRelative: (range: string) => void;
  /** Unix nanoseconds. */
  zoom: (startNs: number, endNs: number) => void;
}

export const RANGES = ["15m", "1h", "6h", "24h", "7d", "30d"] as const;
const STANDARD = "1h";
const UNITS: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** Seconds of `15m`; null for what is no duration. */
export function secondsOf(text: string): number | null {
  const [, number, unit] = /^(\d+)([smhdw])$/.exec(text) ?? [];
  return number === undefined || unit === undefined ? null : Number(number) * (UNITS[unit] ?? 0);
}

/** The time that an address is about: `range=1h`, or `start` and `end` in RFC 3339. */
export function spanOf(parameters: URLSearchParams): Span {
  const start = parameters.get("start");
  const end = parameters.get("end");
  const relative = parameters.get("range") ?? STANDARD;
  const from = start === null ? NaN : Date.parse(start);
  const to = end === null ? NaN : Date.parse(end);
  const isAbsolute = from < to;
  const range = secondsOf(relative) ? relative : STANDARD;
  return {
    query: isAbsolute && start !== null && end !== null ? { start, end } : { range },
    isRelative: !isAbsolute,
    label: isAbsolute ? `${shown(from)} – ${shown(to)}` : `last ${range}`,
    ns: isAbsolute ? (to - from) * 1e6 : (secondsOf(range) ?? 3_600) * 1e9,
  };
}

/** The time range of the page, and how to change it. */
export function useRange(): Range {
  const [parameters, set] = useParams();
  const about = withRange("", parameters);
  return useMemo(
    () => ({
      ...spanOf(new URLSearchParams(about)),
      setRelative: (value) => {
        set({ range: value === STANDARD ? null : value, start: null, end: null }, true);
      },
      zoom: (startNs, endNs) => {
        const iso = (ns: number): string => new Date(Math.round(ns / 1e6)).toISOString();
        set({ range: null, start: iso(startNs), end: iso(endNs) }, true);
      },
    }),
    [about, set],
  );
}

const shown = (ms: number): string =>
  new Date(ms).toLocaleString("en-GB", {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });

/** A path with the search parameters that every page has in common. */
export function withRange(path: string, parameters: URLSearchParams): string {
  const kept = new URLSearchParams();
  for (const name of ["range", "start", "end"]) {
    const value = parameters.get(name);
    if (value !== null) kept.set(name, value);
  }
  const query = kept.toString();
  return query ? `${path}${path.includes("?") ? "&" : "?"}${query}` : path;
}
