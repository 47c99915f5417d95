/** What changes, as `/api/live` tells it: one WebSocket a tab, which comes back by itself and misses nothing. */

import { useEffect, useRef, useState, useSyncExternalStore } from "react";

export type Channel = "alerts" | "health" | "logs" | "metrics" | "traces" | "workflows";

/** A subscription, as the server's protocol has it (see GET /api/live). */
export interface Wanted {
  channel: Channel;
  filter?: string;
  search?: string;
  range?: string;
  limit?: number;
  measure?: string;
  metric?: string;
  by?: string[];
  step?: string;
}

/** A snapshot is all there is, a change what came since; both newest first. */
export interface Told<Item> {
  op: "snapshot" | "change";
  items: Item[];
  left_out: number;
}

/** `lost` comes back by itself, `refused` needs somebody who logs in. */
export type Connection = "connecting" | "live" | "paused" | "lost" | "refused";

interface Subscription {
  wanted: Wanted;
  cursor: string | null;
  tell: (told: Told<unknown>) => void;
  refuse: (title: string) => void;
}

interface Message {
  op: string;
  id?: string;
  items?: unknown[];
  left_out?: number;
  cursor?: string;
  title?: string;
}

const SHORTEST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const SILENCE_MS = 45_000;
/** Not heard for so long, though the server's heart beats each 15 s: the connection is gone. */
const HIDDEN_MS = 10_000;
/** A page out of sight is let go after so long. */
const REFUSED_CODE = 1008;

const subscriptions = new Map<string, Subscription>();
const watchers = new Set<() => void>();
let socket: WebSocket | null = null;
let state: Connection = "connecting";
let isPaused = false;
let waitMs = SHORTEST_WAIT_MS;
let retry: ReturnType<typeof setTimeout> | undefined;
let silence: ReturnType<typeof setTimeout> | undefined;
let hiding: ReturnType<typeof setTimeout> | undefined;
let number = 0;

function become(next: Connection): void {
  if (state === next) return;
  state = next;
  for (const watcher of watchers) watcher();
}

function send(id: string, { wanted, cursor }: Subscription): void {
  if (socket?.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ op: "subscribe", id, ...wanted, ...(cursor === null ? {} : { resume: cursor }) }));
}

function open(): void {
  clearTimeout(retry);
  if (socket !== null || isPaused || document.hidden || subscriptions.size === 0) return;
  become(state === "lost" ? "lost" : "connecting");
  const opened = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/live`);
  socket = opened;
  opened.onopen = () => {
    waitMs = SHORTEST_WAIT_MS;
    for (const [id, subscription] of subscriptions) send(id, subscription);
    become("live");
    heard();
  };
  opened.onmessage = (event: MessageEvent<string>) => {
    heard();
    take(JSON.parse(event.data) as Message);
  };
  opened.onclose = ({ code }) => {
    if (socket !== opened) return;
    socket = null;
    clearTimeout(silence);
    if (isPaused || document.hidden) return;
    become(code === REFUSED_CODE ? "refused" : "lost");
    retry = setTimeout(open, waitMs * (0.5 + Math.random()));
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  };
}

function close(): void {
  clearTimeout(retry);
  clearTimeout(silence);
  const closed = socket;
  socket = null;
  closed?.close();
}

function heard(): void {
  clearTimeout(silence);
  silence = setTimeout(() => {
    close();
    become("lost");
    open();
  }, SILENCE_MS);
}

function take(message: Message): void {
  const subscription = message.id === undefined ? undefined : subscriptions.get(message.id);
  if (subscription === undefined) return;
  if (message.op === "problem") {
    subscription.refuse(message.title ?? "refused");
  } else if (message.op === "snapshot" || message.op === "change") {
    subscription.cursor = message.cursor ?? null;
    subscription.tell({ op: message.op, items: message.items ?? [], left_out: message.left_out ?? 0 });
  }
}

/** Tells what there is and what changes, until the returned function is called. */
export function subscribe<Item>(
  wanted: Wanted,
  tell: (told: Told<Item>) => void,
  refuse: (title: string) => void,
): () => void {
  const id = `${++number}`;
  const subscription: Subscription = { wanted, cursor: null, tell: tell as (told: Told<unknown>) => void, refuse };
  subscriptions.set(id, subscription);
  if (socket === null) open();
  else send(id, subscription);
  return () => {
    subscriptions.delete(id);
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ op: "unsubscribe", id }));
  };
}

/** Stops what moves, or lets it go on; what was missed is told then. */
export function setPaused(paused: boolean): void {
  isPaused = paused;
  if (paused) {
    close();
    become("paused");
  } else {
    become("connecting");
    open();
  }
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) hiding = setTimeout(close, HIDDEN_MS);
  else if (!isPaused) open();
});

/** How the connection is. */
export const useConnection = (): Connection =>
  useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => state,
  );

/** Calls `tell` with what a channel tells, while `wanted` is not null; the title of a refusal, or null. */
export function useLive<Item>(wanted: Wanted | null, tell: (told: Told<Item>) => void): string | null {
  const [refusal, setRefusal] = useState<readonly [string, string] | null>(null);
  const latest = useRef(tell);
  useEffect(() => {
    latest.current = tell;
  });
  const key = wanted === null ? null : JSON.stringify(wanted);
  useEffect(() => {
    if (key === null) return undefined;
    return subscribe<Item>(
      JSON.parse(key) as Wanted,
      (told) => {
        latest.current(told);
      },
      (title) => {
        setRefusal([key, title]);
      },
    );
  }, [key]);
  return refusal?.[0] === key ? refusal[1] : null;
}

const ticking = new Map<Channel, { listeners: Set<() => void>; end: () => void }>();

/** Calls `listener` whenever a channel has something new; many listeners cost the server one subscription. */
export function onChange(channel: Channel, listener: () => void): () => void {
  let ticks = ticking.get(channel);
  if (ticks === undefined) {
    const listeners = new Set<() => void>();
    const tell = (told: Told<unknown>): void => {
      if (told.op === "change") for (const each of listeners) each();
    };
    ticks = { listeners, end: subscribe({ channel, limit: 1 }, tell, () => undefined) };
    ticking.set(channel, ticks);
  }
  const { listeners, end } = ticks;
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && ticking.get(channel)?.listeners === listeners) {
      ticking.delete(channel);
      end();
    }
  };
}
