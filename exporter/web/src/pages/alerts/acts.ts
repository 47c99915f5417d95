/** What somebody does about alerts. */

import { useLocalStorage } from "@mantine/hooks";
import { type ChangeEvent, useState } from "react";

import { useAsk } from "../../core/ask";
import { api, Refused, taken } from "../../core/client";

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

/** Sends what somebody does, and keeps why it was refused until something is taken. */
export function useSending() {
  const [refused, setRefused] = useState<Refused | null>(null);
  const [isSending, setSending] = useState(false);
  const send = async (run: () => Promise<unknown>): Promise<void> => {
    setSending(true);
    try {
      await run();
      setRefused(null);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setRefused(error);
    } finally {
      setSending(false);
    }
  };
  return { refused, isSending, send };
}

/** What somebody says in a form, the inputs of it, and `keep`, by which this browser knows the name from then on. */
export function useSaid() {
  const [known, remember] = useName();
  const [name, setName] = useState<string | null>(null);
  const [note, setNote] = useState("");
  const [duration, setDuration] = useState("1h");
  const said: Said = { by: (name ?? known).trim(), note: note.trim(), duration };
  return {
    said,
    keep: (): void => {
      if (name !== null) remember(said.by);
    },
    name: { ...written(name ?? known, setName), label: "Your name", required: true, maxLength: 200 },
    note: { ...written(note, setNote), label: "Note", maxLength: 1000 },
    duration: {
      label: "For",
      data: ["30m", "1h", "4h", "12h", "1d", "7d"],
      value: duration,
      allowDeselect: false,
      onChange: (value: string | null): void => {
        setDuration(value ?? "1h");
      },
    },
  };
}

const written = (value: string, set: (text: string) => void) => ({
  value,
  onChange: (event: ChangeEvent<HTMLInputElement>): void => {
    set(event.currentTarget.value);
  },
});
