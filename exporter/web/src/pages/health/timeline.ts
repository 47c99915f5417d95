/** How a component was over a time, from its changes backwards: the server tells only of what changed. */

import type { Schemas } from "../../core/client";

export type State = Schemas["Component"]["state"];
export type Change = Pick<Schemas["Event"], "at" | "component" | "from_state" | "to_state">;

export interface Stretch {
  startNs: number;
  endNs: number;
  state: State;
}

/**
 * Stretches of a component from `startNs` to `endNs`, oldest first; `now` is how it is, and `changes` are newest first.
 *
 * Where it was not there, there is no stretch, and none before `knownNs`.
 */
export function stretches(
  changes: readonly Change[],
  component: string,
  now: State,
  { startNs, endNs, knownNs }: { startNs: number; endNs: number; knownNs: number },
): Stretch[] {
  const first = Math.max(startNs, knownNs);
  const found: Stretch[] = [];
  let state: State | null = now;
  let until = endNs;
  const put = (from: number): void => {
    if (state !== null && from < until) found.push({ startNs: from, endNs: until, state });
    until = from;
  };
  for (const change of changes) {
    if (change.component !== component) continue;
    if (change.at <= first) break;
    put(Math.min(change.at, endNs));
    state = change.from_state;
  }
  put(first);
  return found.reverse();
}

/** Since when all that changed is told: the first change, or the server's start where that was before it. */
export function knownSince(changes: readonly Change[], isAll: boolean, startedNs: number): number {
  const oldest = changes.at(-1)?.at;
  if (oldest === undefined) return startedNs;
  return isAll ? Math.min(oldest, startedNs) : oldest;
}

const STATES: readonly State[] = ["unhealthy", "degraded", "healthy"];

/** In words: `healthy 90 %, degraded 10 %`; what was worst first. */
export function inWords(all: readonly Stretch[]): string {
  const whole = all.reduce((sum, one) => sum + one.endNs - one.startNs, 0);
  if (whole === 0) return "not known";
  const shares = STATES.map((state) => {
    const own = all.filter((one) => one.state === state);
    return [state, own.reduce((sum, one) => sum + one.endNs - one.startNs, 0) / whole] as const;
  });
  return shares
    .filter(([, share]) => share > 0)
    .map(([state, share]) => `${state} ${share === 1 ? "all the time" : `${(share * 100).toPrecision(2)} % of it`}`)
    .join(", ");
}
