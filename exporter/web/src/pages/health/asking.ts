/** What the page asks. */

import { type Asked, useAsk } from "../../core/ask";
import type { Answer, Schemas } from "../../core/client";

export type Component = Schemas["Component"];
export type Event = Schemas["Event"];
export type Channel = Schemas["Told"];

/** The most that the server gives at once. */
const MOST_EVENTS = 500;
const FEW_EVENTS = 100;
const OFTEN_MS = 5_000;
const SELDOM_MS = 15_000;

export interface Asking {
  health: Asked<Answer<"/api/health">>;
  /** Of all components: what the strips are drawn from. */
  events: Asked<Answer<"/api/health/events">>;
  /** Of the one that is chosen, else of all. */
  listed: Asked<Answer<"/api/health/events">>;
  capacity: Asked<Answer<"/api/capacity">>;
  stored: Asked<Answer<"/api/stats">>;
}

/** `component` is empty for all; `isMore` where more changes are wanted than the first. */
export function useHealth(component: string, isMore: boolean): Asking {
  const follow = { follow: ["health"], everyMs: OFTEN_MS } as const;
  const seldom = { everyMs: SELDOM_MS };
  const limit = isMore ? MOST_EVENTS : FEW_EVENTS;
  const health = useAsk("/api/health", {}, follow);
  const events = useAsk("/api/health/events", { query: { limit: MOST_EVENTS } }, follow);
  const listed = useAsk("/api/health/events", { query: { limit, ...(component === "" ? {} : { component }) } }, follow);
  const capacity = useAsk("/api/capacity", {}, seldom);
  // Of the answer only the tables are shown; the shortest time makes the rest of it cheap.
  const stored = useAsk("/api/stats", { query: { range: "1m" } }, seldom);
  return { health, events, listed, capacity, stored };
}
