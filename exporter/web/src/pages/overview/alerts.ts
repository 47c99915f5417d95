/** The alerts that are not over, as the channel `alerts` tells them: no question has to wait for its turn. */

import type { Schemas } from "../../core/client";
import type { Told } from "../../core/live";

export type Alert = Schemas["Alert"];

/** A change, with the alert as it is now; null where that never fired and is over. */
interface Changed {
  alert_id: string;
  alert: Alert | null;
}

export type Item = Alert | Changed;

const OVER: ReadonlySet<Alert["state"]> = new Set(["inactive", "resolved"]);

const isChanged = (item: Item): item is Changed => "alert" in item;

/** Those that are not over after what was told; null where that cannot be said. */
export function after(before: readonly Alert[] | null, told: Told<Item>): readonly Alert[] | null {
  if (told.op === "snapshot") return told.items.filter((one): one is Alert => !isChanged(one));
  if (before === null || told.left_out > 0) return null;
  const changed = told.items.filter(isChanged).toReversed();
  return changed.reduce<readonly Alert[]>((found, { alert_id: id, alert }) => {
    const others = found.filter((one) => !one.episode.startsWith(id));
    return alert === null || OVER.has(alert.state) ? others : [...others, alert];
  }, before);
}
