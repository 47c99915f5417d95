/** All calls together, against as much time before. */

import { type Asking, useAsk } from "../../core/ask";
import { where } from "../../core/complete";
import { count, duration, ratio, usd } from "../../core/format";
import { stepOf } from "../../core/range";
import { Failure } from "../../core/ui/Failure";
import { Stat, Stats } from "../../core/ui/Stat";
import type { Range } from "../../core/url";

const POINTS = 40;

export function Totals({ filter, range, follow }: { filter: string; range: Range; follow: Asking }) {
  const query = { ...range.query, ...where(filter) };
  const all = useAsk("/api/calls", { query }, follow);
  // Of what failed there is no trend: its cells know no reasons.
  const trends = useAsk("/api/trends", /\berror\b/.test(filter) ? null : { query }, follow);
  const series = useAsk("/api/calls/series", { query: { ...query, step: stepOf(range, POINTS) } }, follow);
  const now = all.data?.items[0];
  const rows = series.data?.items ?? [];
  const changed = (measure: string): number | null | undefined =>
    trends.data?.items.find((one) => one.measure === measure)?.change_ratio;
  const tokens = now && (now.tokens_input ?? 0) + (now.tokens_output ?? 0);
  const failed = now?.calls ? (now.failed ?? 0) / now.calls : null;
  const { isLoading } = all;
  if (all.error !== null && now === undefined) return <Failure error={all.error} again={all.again} />;
  return (
    <Stats>
      <Stat
        label="Calls"
        value={count(now?.calls)}
        change={changed("calls")}
        values={rows.map((row) => row.calls ?? null)}
        isLoading={isLoading}
      />
      <Stat
        label="Failed"
        value={ratio(failed)}
        change={changed("error_rate")}
        better="less"
        note={`${count(now?.failed)} calls`}
        values={rows.map((row) => (row.calls ? (row.failed ?? 0) / row.calls : null))}
        isLoading={isLoading}
      />
      <Stat
        label="p95 latency"
        value={duration(now?.p95_latency_ns)}
        change={changed("p95_latency")}
        better="less"
        note={`p50 ${duration(now?.p50_latency_ns)}`}
        values={rows.map((row) => row.p95_latency_ns ?? null)}
        isLoading={isLoading}
      />
      <Stat
        label="Tokens"
        value={count(tokens)}
        change={changed("tokens")}
        note={`${count(now?.tokens_input)} in, ${count(now?.tokens_output)} out`}
        values={rows.map((row) => (row.tokens_input ?? 0) + (row.tokens_output ?? 0))}
        isLoading={isLoading}
      />
      <Stat
        label="Read from cache"
        value={ratio(now?.tokens_input ? (now.tokens_cache_read ?? 0) / now.tokens_input : null)}
        note="of input tokens"
        isLoading={isLoading}
      />
      <Stat
        label="Cost"
        value={usd(now?.cost_nanos)}
        change={changed("cost")}
        better="less"
        note={now?.unpriced ? `${count(now.unpriced)} without a price` : undefined}
        values={rows.map((row) => row.cost_nanos ?? null)}
        isLoading={isLoading}
      />
    </Stats>
  );
}
