/** What all workflows come to. */

import type { Workflow } from "./rows";

type Counts = Pick<Workflow, "runs" | "completed" | "failed" | "cancelled" | "running" | "lost">;
const COUNTS = ["runs", "completed", "failed", "cancelled", "running", "lost"] as const;

/** The sums; success is the share of what ended that completed, as each workflow has it. */
export function totals(rows: readonly Counts[]): Counts & { ended: number; success_ratio: number | null } {
  const sums = { runs: 0, completed: 0, failed: 0, cancelled: 0, running: 0, lost: 0 };
  for (const row of rows) for (const name of COUNTS) sums[name] += row[name];
  const ended = sums.completed + sums.failed + sums.cancelled + sums.lost;
  return { ...sums, ended, success_ratio: ended === 0 ? null : sums.completed / ended };
}
