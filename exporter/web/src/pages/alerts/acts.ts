/** What somebody does about alerts. */

import { useLocalStorage } from "@mantine/hooks";

import { useAsk } from "../../core/ask";
import { api, taken } from "../../core/client";

export type Act = "acknowledge" | "resolve" | "silence";

export interface Said {
  by: string;
  note: string;
  /** Of a silence. */
  duration: string;
}

export async function act(what: Act, alert: string, { by, note, duration }: Said): Promise<void> {
  const params = { path: { alert } };
  if (what === "silence")
    taken(await api.POST("/api/alerts/{alert}/silence", { params, body: { by, note, for: duration } }));
  else if (what === "resolve") taken(await api.POST("/api/alerts/{alert}/resolve", { params, body: { by, note } }));
  else taken(await api.POST("/api/alerts/{alert}/acknowledge", { params, body: { by, note } }));
}

/** Who acts: as this browser knows it, else as who logged in. */
export function useName(): readonly [string, (name: string) => void] {
  const asker = useAsk("/api/session", {}).data;
  const [name, setName] = useLocalStorage({ key: "ax.name", defaultValue: "" });
  return [name || (asker?.name ?? ""), setName];
}

/** Whether who logged in may change something. */
export const useMayChange = (): boolean => useAsk("/api/session", {}).data?.scopes.includes("admin") ?? false;
