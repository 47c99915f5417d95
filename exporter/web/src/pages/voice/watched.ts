/** What rules say of voice turns: those that look at them, their thresholds, and what fires. */

import { useMemo } from "react";

import { useAsk } from "../../core/ask";
import type { Schemas } from "../../core/client";
import { thresholdNs } from "./turns";

const TURNS = "voice_turns";
const SILENCE = "heard_silence_ns";

export interface Watched {
  /** A token of one tenant is told nothing of rules. */
  isAllowed: boolean;
  rules: readonly Schemas["Ruled"][] | undefined;
  /** The alert that fires, by its rule's id. */
  firing: ReadonlyMap<string, string>;
  /** How long a caller should hear silence at most; null where no rule says. */
  silenceNs: number | null;
}

export function useWatched(): Watched {
  const session = useAsk("/api/session", {});
  const isAllowed = session.data?.tenant === null;
  const asked = useAsk("/api/rules", isAllowed ? { query: { limit: 500 } } : null, { follow: ["alerts"] });
  const alerts = useAsk(
    "/api/alerts",
    isAllowed ? { query: { state: ["firing", "acknowledged"], limit: 500 } } : null,
    {
      follow: ["alerts"],
    },
  );
  const rules = useMemo(() => asked.data?.items.filter(({ definition }) => definition["view"] === TURNS), [asked.data]);
  const firing = new Map(alerts.data?.items.map((alert) => [alert.rule_id, alert.id]));
  const silent = rules?.find(({ definition, enabled }) => enabled && definition["field"] === SILENCE);
  return { isAllowed, rules, firing, silenceNs: thresholdNs(silent?.definition["threshold"]) };
}
