/** Statements to begin with. */

export interface Example {
  title: string;
  query: string;
}

export const EXAMPLES: readonly Example[] = [
  {
    title: "Cost by model",
    query: `select provider, model, count(*) as calls, sum(cost_usd) as cost_usd
from llm_calls
where start_time > now() - interval 1 day
group by all
order by cost_usd desc`,
  },
  {
    title: "p95 latency per minute and model",
    query: `select time_bucket(interval 1 minute, start_time) as minute, model,
  quantile_cont(duration_ns, 0.95) as p95_ns
from llm_calls
where start_time > now() - interval 1 hour
group by all
order by minute`,
  },
  {
    title: "Why calls failed",
    query: `select error_type, status_message, count(*) as calls, max(start_time) as latest
from llm_calls
where failed and start_time > now() - interval 1 day
group by all
order by calls desc`,
  },
  {
    title: "The slowest traces",
    query: `select trace_id, min(start_time) as began, count(*) as spans, max(duration_ns) as duration_ns
from spans
where start_time > now() - interval 1 hour
group by trace_id
order by duration_ns desc
limit 20`,
  },
  {
    title: "What alerts fired",
    query: `select rule, severity, count(*) as episodes, max(fired_at) as latest
from alerts
where fired_at is not null
group by all
order by episodes desc`,
  },
];
