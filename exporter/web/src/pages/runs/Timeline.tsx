/** Steps of a run, each with its place in time; what runs grows. */

import { IconX } from "@tabler/icons-react";
import { useSearchParams } from "wouter";

import { bytes, count, duration } from "../../core/format";
import { Loading } from "../../core/ui/Loading";
import { Panel } from "../../core/ui/Page";
import { Sent } from "../../core/ui/Sent";
import { Status } from "../../core/ui/Status";
import { type Column, Table } from "../../core/ui/Table";
import { withRange } from "../../core/url";
import { ErrorName } from "./cells";
import { lengthOf, placed, ticks } from "./gantt";
import { spanPath } from "./paths";
import type { Bar, Run, Step } from "./rows";
import classes from "./runs.module.css";

type Row = Bar & { step: Step | undefined; at: number };

const HEIGHT = "max(360px, calc(100vh - 320px))";

export function Timeline(props: {
  run: Run;
  steps: readonly Step[];
  bars: readonly Bar[] | undefined;
  /** For how long running steps have run since the bars were measured. */
  grownNs: number;
}) {
  const { run, steps, bars, grownNs } = props;
  const [parameters] = useSearchParams();
  if (bars === undefined) return <Loading height={160} />;
  const bySpan = new Map(steps.map((step) => [step.span_id, step]));
  const rows: Row[] = bars.map((bar, at) => ({ ...bar, step: bySpan.get(bar.span_id), at }));
  const length = lengthOf(bars, run.duration_ns, grownNs);
  return (
    <Panel title="Steps" flush>
      {rows.length === 0 ? (
        <div className={`quiet ${classes["quietLine"] ?? ""}`}>No step has begun.</div>
      ) : (
        <Table
          label="Steps"
          columns={columns(length, grownNs)}
          rows={rows}
          rowKey={(row) => row.span_id ?? `${row.at}`}
          height={HEIGHT}
          hasKeys
          href={(row) =>
            run.trace_id === null ? "/traces" : withRange(spanPath(run.trace_id, row.span_id), parameters)
          }
        />
      )}
    </Panel>
  );
}

const columns = (length: number, grownNs: number): readonly Column<Row>[] => [
  {
    key: "step",
    title: "Step",
    width: "22%",
    cell: (row) => (
      <>
        {row.status === "failed" && <IconX size={14} className={classes["sign"]} role="img" aria-label="failed" />}
        <Sent text={row.step_name ?? row.step_key} />
      </>
    ),
  },
  {
    key: "time",
    title: "Timeline",
    head: <Scale length={length} />,
    cell: (row) => <Track bar={row} length={length} grownNs={grownNs} />,
  },
  {
    key: "duration",
    title: "Duration",
    align: "right",
    width: "92px",
    cell: (row) =>
      row.is_running ? duration(Math.floor((row.duration_ns + grownNs) / 1e8) * 1e8) : duration(row.duration_ns),
  },
  { key: "status", title: "Status", width: "132px", from: 768, cell: (row) => <Status state={row.status} /> },
  {
    key: "retries",
    title: "Retries",
    align: "right",
    width: "76px",
    from: 768,
    cell: (row) => <span className={row.retry_count ? "warn" : "quiet"}>{count(row.retry_count)}</span>,
  },
  {
    key: "input",
    title: "Input",
    align: "right",
    width: "84px",
    from: 1200,
    cell: (row) => bytes(row.step?.input_bytes),
  },
  {
    key: "output",
    title: "Output",
    align: "right",
    width: "84px",
    from: 1200,
    cell: (row) => bytes(row.step?.output_bytes),
  },
  { key: "error", title: "Error", width: "150px", from: 1200, cell: (row) => <ErrorName type={row.error_type} /> },
];

function Scale({ length }: { length: number }) {
  return (
    <span className={classes["scale"]}>
      <span className="unseen">Timeline</span>
      {ticks(length).map((tick) => (
        <span key={tick} className={classes["tick"]} style={{ left: `${(tick / length) * 100}%` }} aria-hidden>
          {duration(tick)}
        </span>
      ))}
    </span>
  );
}

function Track({ bar, length, grownNs }: { bar: Row; length: number; grownNs: number }) {
  const { left, width } = placed(bar, length, grownNs);
  return (
    <div className={classes["track"]}>
      {ticks(length).map((tick) => (
        <span key={tick} className={classes["grid"]} style={{ left: `${(tick / length) * 100}%` }} aria-hidden />
      ))}
      <span
        className={classes["bar"]}
        data-status={bar.status}
        data-running={bar.is_running || undefined}
        style={{ left: `${Math.min(left, 99.5)}%`, width: `${width}%` }}
        title={`begins after ${duration(bar.offset_ns)}, ${bar.is_running ? "still runs" : `takes ${duration(bar.duration_ns)}`}`}
      />
      <span className="unseen">
        begins after {duration(bar.offset_ns)}
        {bar.is_running && ", still runs"}
      </span>
    </div>
  );
}
