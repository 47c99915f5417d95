/** One run: how it went, its steps on a time line, and the models and tools that it called. */

import { Anchor, Group, Stack } from "@mantine/core";
import { Link, useSearchParams } from "wouter";

import { useAsk } from "../../core/ask";
import { equals } from "../../core/complete";
import { count, duration, harmless, rfc3339, usd } from "../../core/format";
import { useServerNow } from "../../core/now";
import { Fact, Facts } from "../../core/ui/Facts";
import { Failure } from "../../core/ui/Failure";
import { Loading } from "../../core/ui/Loading";
import { Columns, Page, Panel } from "../../core/ui/Page";
import { Sent } from "../../core/ui/Sent";
import { Copy } from "../../core/ui/Snippet";
import { Stat, Stats } from "../../core/ui/Stat";
import { Status } from "../../core/ui/Status";
import { type Column, Table } from "../../core/ui/Table";
import { withRange } from "../../core/url";
import { Elsewhere } from "./cells";
import { filteredPath, spanPath } from "./paths";
import { type Bar, type Call, type Called, type Run, rowsOf, type Step, type ToolCall } from "./rows";
import classes from "./runs.module.css";
import { Timeline } from "./Timeline";
import { CALLS_OF_RUN, TOOLS_OF_RUN } from "./workColumns";

const MINUTE_NS = 60e9;
const EVERY_MS = 200;

export function RunDetail({ id }: { id: string }) {
  const [parameters] = useSearchParams();
  const asked = useAsk("/api/workflow-runs/{run}", { path: { run: id } }, { follow: ["workflows"] });
  const bars = useAsk("/api/workflow-runs/{run}/timeline", { path: { run: id } }, { follow: ["workflows"] });
  const back = withRange("/runs", parameters);
  const { data } = asked;
  const run = data?.run as Run | undefined;
  if (data === undefined || run === undefined)
    return (
      <Page title={<Trail back={back} name="Workflow run" />}>
        {asked.error === null ? <Loading height={320} /> : <Failure error={asked.error} again={asked.again} />}
      </Page>
    );
  return (
    <Page
      title={<Trail back={back} name={run.workflow_name ?? "Workflow run"} />}
      actions={
        run.trace_id !== null && (
          <>
            <Elsewhere href={withRange(spanPath(run.trace_id, null), parameters)}>Trace</Elsewhere>
            <Elsewhere href={withRange(filteredPath("/logs", "trace", run.trace_id), parameters)}>Logs</Elsewhere>
          </>
        )
      }
    >
      {asked.error !== null && <Failure error={asked.error} again={asked.again} />}
      <Body run={run} steps={data.steps} bars={bars.data?.items} />
    </Page>
  );
}

function Trail({ back, name }: { back: string; name: string }) {
  return (
    <Group gap={8} component="span" wrap="nowrap" miw={0}>
      <Anchor component={Link} href={back} fz="inherit" className="quiet">
        Runs
      </Anchor>
      <span className="quiet" aria-hidden>
        /
      </span>
      <span className="cut" title={harmless(name)}>
        {harmless(name)}
      </span>
    </Group>
  );
}

function Body({ run, steps, bars }: { run: Run; steps: readonly Step[]; bars: readonly Bar[] | undefined }) {
  const isRunning = run.status === "running";
  // A running step is as long as the server says, so its end is the server's present.
  const measured = bars?.filter((bar) => bar.is_running).map((bar) => bar.offset_ns + bar.duration_ns) ?? [];
  const answered = measured.length === 0 ? null : Math.max(...measured);
  const isMoving = isRunning && answered !== null;
  const now = useServerNow(isMoving ? answered : null, EVERY_MS);
  const elapsed = run.duration_ns ?? (isMoving ? now : null);
  const retries = steps.reduce((sum, step) => sum + (step.retry_count ?? 0), 0);
  const around = {
    start: rfc3339(run.start_ns - MINUTE_NS),
    ...(run.duration_ns === null ? {} : { end: rfc3339(run.start_ns + run.duration_ns + MINUTE_NS) }),
  };
  const filter = equals("run", run.run_id);
  const calls = useAsk("/api/calls", { query: { ...around, filter } }, { follow: isRunning ? ["traces"] : [] });
  const spent = rowsOf<Called>(calls.data)?.[0];
  return (
    <Stack gap="md">
      <Stats>
        <Stat label="Status" value={<Status state={run.status} />} note={isRunning ? "follows live" : undefined} />
        <Stat
          label={isRunning ? "Running for" : "Duration"}
          value={isRunning && elapsed !== null ? duration(Math.floor(elapsed / 1e8) * 1e8) : duration(elapsed)}
        />
        <Stat
          label="Steps completed"
          value={`${count(run.steps_completed ?? 0)} of ${count(run.steps_total ?? 0)}`}
          note={
            <>
              {run.steps_failed ? <span className="bad">{count(run.steps_failed)} failed · </span> : null}
              {count(retries)} {retries === 1 ? "retry" : "retries"}
            </>
          }
        />
        <Stat
          label="LLM calls"
          value={count(spent?.calls ?? 0)}
          isLoading={calls.isLoading}
          note={spent && spent.failed > 0 ? <span className="bad">{count(spent.failed)} failed</span> : undefined}
        />
        <Stat
          label="Cost"
          value={usd(spent?.cost_nanos ?? 0)}
          isLoading={calls.isLoading}
          note={spent && `${count(spent.tokens_input + spent.tokens_output)} tokens`}
        />
      </Stats>
      <Failures run={run} steps={steps} />
      <Timeline run={run} steps={steps} bars={bars} grownNs={isMoving ? Math.max(now - answered, 0) : 0} />
      <Columns min={420}>
        <Called
          title="LLM calls"
          path="/api/llm-calls"
          query={{ ...around, filter, limit: 100 }}
          columns={CALLS_OF_RUN}
          isRunning={isRunning}
          href={(row) => `/calls/${row.span_id}?trace=${row.trace_id}`}
          all={filteredPath("/calls", "run", run.run_id)}
        />
        <Called
          title="Tool calls"
          path="/api/tool-calls"
          query={{ ...around, filter, limit: 100 }}
          columns={TOOLS_OF_RUN}
          isRunning={isRunning}
          href={(row) => spanPath(row.trace_id, row.span_id)}
          all={filteredPath("/runs?tab=tools", "run", run.run_id)}
        />
      </Columns>
      <About run={run} />
    </Stack>
  );
}

function Called(props: {
  title: string;
  path: "/api/llm-calls" | "/api/tool-calls";
  query: { start: string; end?: string; filter: string; limit: number };
  columns: readonly Column<never>[];
  isRunning: boolean;
  href: (row: Call | ToolCall) => string;
  all: string;
}) {
  const { title, path, query, columns, isRunning, href, all } = props;
  const [parameters] = useSearchParams();
  const asked = useAsk(path, { query }, { follow: isRunning ? ["traces"] : [] });
  const rows = rowsOf<Call | ToolCall>(asked.data);
  return (
    <Panel title={title} flush actions={<Elsewhere href={withRange(all, parameters)}>All</Elsewhere>}>
      {asked.error !== null && <Failure error={asked.error} again={asked.again} />}
      {rows?.length === 0 ? (
        <div className={`quiet ${classes["quietLine"] ?? ""}`}>None in this run.</div>
      ) : (
        <Table
          label={title}
          columns={columns as readonly Column<Call | ToolCall>[]}
          rows={rows ?? (asked.error === null ? undefined : [])}
          rowKey={(row) => `${row.trace_id} ${row.span_id}`}
          href={(row) => withRange(href(row), parameters)}
          sortParam={path === "/api/llm-calls" ? "calls" : "tools"}
          height="320px"
        />
      )}
    </Panel>
  );
}

/** What went wrong, in the words of who sent it. */
function Failures({ run, steps }: { run: Run; steps: readonly Step[] }) {
  const failed = steps.filter((step) => step.status === "failed");
  if (run.error_type === null && run.status_message === null && failed.length === 0) return null;
  const all = [
    ...(run.error_type === null && run.status_message === null ? [] : [{ ...run, where: "the run" }]),
    ...failed.slice(0, 20).map((step) => ({ ...step, where: step.step_name ?? step.step_key ?? "a step" })),
  ];
  return (
    <Panel title="Failures">
      <ul className={classes["failures"]}>
        {all.map(({ where, error_type, status_message }, at) => (
          <li key={at}>
            <strong>{harmless(where)}</strong>
            {error_type !== null && <span className="bad mono"> {harmless(error_type)}</span>}
            {status_message !== null && status_message !== "" && <div>{harmless(status_message)}</div>}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function About({ run }: { run: Run }) {
  const [parameters] = useSearchParams();
  const facts: readonly (readonly [string, string | null, string | null])[] = [
    ["Run", run.run_id, null],
    ["Trace", run.trace_id, run.trace_id === null ? null : spanPath(run.trace_id, null)],
    ["Began", new Date(run.start_ns / 1e6).toISOString(), null],
    ["Service", run.service_name, null],
    ["Tenant", run.tenant_id, null],
    ["User", run.user_id, run.user_id === null ? null : filteredPath("/calls", "user", run.user_id)],
  ];
  return (
    <Panel title="About this run">
      <Facts>
        {facts.map(([name, value, href]) => (
          <Fact key={name} name={name}>
            {href === null || value === null ? (
              <Sent text={value} />
            ) : (
              <Link href={withRange(href, parameters)}>{harmless(value)}</Link>
            )}
            {name === "Run" && value !== null && <Copy text={value} label="Copy the id of this run" />}
          </Fact>
        ))}
      </Facts>
    </Panel>
  );
}
