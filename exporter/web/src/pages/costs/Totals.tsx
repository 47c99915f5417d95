/** What was spent in the period, against as much time before. */

import { type Asking, useAsk } from "../../core/ask";
import { count, ratio, usd } from "../../core/format";
import { Failure } from "../../core/ui/Failure";
import { Stat, Stats } from "../../core/ui/Stat";
import type { RangeQuery } from "../../core/url";
import type { Budget } from "./budget";

export type Query = RangeQuery & { filter?: string };

export function Totals({ query, follow, budget }: { query: Query; follow: Asking; budget: Budget | undefined }) {
  const { data, isLoading, error, again } = useAsk("/api/costs", { query }, follow);
  const all = data?.items[0];
  const nanos = all?.cost_nanos ?? 0;
  const calls = all?.calls ?? 0;
  const priced = calls - (all?.unpriced ?? 0);
  if (error !== null && all === undefined) return <Failure error={error} again={again} />;
  return (
    <Stats>
      <Stat
        label="Spent"
        value={usd(all?.cost_nanos)}
        change={all?.change_ratio}
        better="less"
        note={all?.before_nanos ? `before ${usd(all.before_nanos)}` : undefined}
        isLoading={isLoading}
      />
      <Stat label="LLM calls" value={count(all?.calls)} isLoading={isLoading} />
      <Stat
        label="Per call"
        value={usd(priced > 0 ? nanos / priced : null)}
        note="of those with a price"
        isLoading={isLoading}
      />
      <Stat
        label="Without a price"
        value={all?.unpriced ? <span className="warn">{count(all.unpriced)}</span> : "0"}
        note={calls > 0 ? `${ratio((all?.unpriced ?? 0) / calls)} of calls` : undefined}
        isLoading={isLoading}
      />
      <Stat
        label={budget === undefined ? "Budget" : `Budget ${budget.name}`}
        value={ratio(budget?.used_ratio)}
        note={budget === undefined ? "there is none" : `of ${usd(budget.limit_nanos)} a ${budget.per}`}
      />
    </Stats>
  );
}
