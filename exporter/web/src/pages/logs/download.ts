/** Files of what is shown. */

import { Refused } from "../../core/client";
import type { Row } from "./records";

const PAGE = 500;

/** CSV of the newest `most` records that are found, as the server writes it. Raises `Refused`. */
export async function csv(query: Readonly<Record<string, string>>, most: number): Promise<string> {
  const parts: string[] = [];
  let next: string | null =
    `/api/logs?${new URLSearchParams({ ...query, limit: `${Math.min(PAGE, most)}` }).toString()}`;
  for (let left = most; left > 0 && next !== null; left -= PAGE) {
    const answer: Response = await fetch(next, { headers: { accept: "text/csv", "x-ax-request": "1" } });
    const text = await answer.text();
    if (!answer.ok) {
      const mend = "narrow the time, or try again";
      throw new Refused({ title: "the records cannot be had", status: answer.status, mend, retryable: false });
    }
    parts.push(parts.length === 0 ? text : text.slice(text.indexOf("\n") + 1));
    next = /<([^>]+)>;\s*rel="next"/.exec(answer.headers.get("link") ?? "")?.[1] ?? null;
  }
  return parts.join("");
}

/** Hands a text to the browser as a file. */
export function save(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 10_000);
}

/** As the API tells it, indented. */
export const json = ({ record }: Row): string => JSON.stringify(record, null, 2);
