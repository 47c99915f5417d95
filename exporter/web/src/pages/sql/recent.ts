/** The statements that this person ran last, in this browser alone. */

import { useLocalStorage } from "@mantine/hooks";

const MOST = 30;
const NONE: readonly string[] = [];

export function useRecent(): readonly [readonly string[], (query: string) => void, () => void] {
  const [recent, setRecent] = useLocalStorage<readonly string[]>({
    key: "ax.sql.recent",
    defaultValue: NONE,
    deserialize: read,
  });
  const remember = (query: string): void => {
    setRecent((before) => [query, ...before.filter((one) => one !== query)].slice(0, MOST));
  };
  const forget = (): void => {
    setRecent(NONE);
  };
  return [recent, remember, forget];
}

/** What was kept; nothing, where it cannot be read. */
export function read(text: string | undefined): readonly string[] {
  try {
    const kept: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : NONE;
  } catch {
    return NONE;
  }
}
