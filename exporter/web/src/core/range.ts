/** How a page's questions follow its time range. */

import type { Asking } from "./ask";
import type { Channel } from "./live";
import type { Span } from "./url";

const OFTENEST_MS = 5_000;
const RAREST_MS = 60_000;
const STEPS = 120;

/** For `useAsk`: a range that ends now follows changes and moves on; any other stands still. */
export function following(range: Span, ...channels: Channel[]): Asking {
  if (!range.isRelative) return {};
  return { follow: channels, everyMs: Math.min(Math.max(range.ns / 1e6 / STEPS, OFTENEST_MS), RAREST_MS) };
}

const NICE_S = [60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400];

/** The width of buckets, as the API takes it, that makes about `points` of a range; whole minutes, since cells are. */
export function stepOf(range: Span, points = 120): string {
  const wanted = range.ns / 1e9 / points;
  const seconds = NICE_S.find((one) => one >= wanted) ?? 86_400;
  return seconds % 3_600 === 0 ? `${seconds / 3_600}h` : `${seconds / 60}m`;
}
