/** Who calls whom: a drawing, and the same as a table. */

import { Stack } from "@mantine/core";
import { Link, useSearchParams } from "wouter";

import { useAsk } from "../../core/ask";
import { count, duration, harmless, ratio, usd } from "../../core/format";
import { following } from "../../core/range";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { Loading } from "../../core/ui/Loading";
import { Panel } from "../../core/ui/Page";
import { Sent } from "../../core/ui/Sent";
import { type Column, Table } from "../../core/ui/Table";
import { useRange, withRange } from "../../core/url";
import { Failed } from "./cells";
import { calleeKey, callerKey, type Node, placedMap } from "./map";
import { filteredPath } from "./paths";
import { type Edge, rowsOf } from "./rows";
import classes from "./runs.module.css";

const WIDE = 230;
const HIGH = 42;
const GAP_X = 150;
const GAP_Y = 12;
const MOST = 500;

export function ServiceMap() {
  const range = useRange();
  const asked = useAsk("/api/service-map", { query: { ...range.query, limit: MOST } }, following(range, "traces"));
  const edges = rowsOf<Edge>(asked.data);
  if (edges === undefined)
    return asked.error === null ? <Loading height={320} /> : <Failure error={asked.error} again={asked.again} />;
  if (edges.length === 0)
    return (
      <Panel>
        <Empty title={`Nobody called anybody in the ${range.label}`} snippet="ax demo">
          Services show here as soon as their spans come in, with the providers, tools and databases that they call.
        </Empty>
      </Panel>
    );
  return (
    <Stack gap="md">
      {asked.error !== null && <Failure error={asked.error} again={asked.again} />}
      <Panel title="Who calls whom">
        <Drawn edges={edges} />
      </Panel>
      <Panel title="Calls" flush>
        <Table
          label="Calls"
          columns={COLUMNS}
          rows={edges}
          rowKey={(edge) => `${callerKey(edge)} ${calleeKey(edge)}`}
          height="420px"
        />
      </Panel>
    </Stack>
  );
}

function Drawn({ edges }: { edges: readonly Edge[] }) {
  const { nodes, columns, rows } = placedMap(edges);
  const places = new Map(nodes.map((node) => [node.key, node]));
  const width = columns * (WIDE + GAP_X) - GAP_X;
  const height = rows * (HIGH + GAP_Y) - GAP_Y;
  const most = Math.max(...edges.map((edge) => edge.calls));
  const inColumn = new Map<number, number>();
  for (const node of nodes) inColumn.set(node.column, (inColumn.get(node.column) ?? 0) + 1);
  const x = (node: Node): number => node.column * (WIDE + GAP_X);
  const y = (node: Node): number => {
    const own = (inColumn.get(node.column) ?? 1) * (HIGH + GAP_Y) - GAP_Y;
    return (height - own) / 2 + node.row * (HIGH + GAP_Y);
  };
  return (
    // A drawing that scrolls sideways is reached by keyboard.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={classes["map"]} role="group" aria-label="Who calls whom, told by the table below too" tabIndex={0}>
      <div className={classes["drawn"]} style={{ width, height }}>
        <svg className={classes["edges"]} width={width} height={height} aria-hidden>
          {edges.map((edge) => {
            const from = places.get(callerKey(edge));
            const to = places.get(calleeKey(edge));
            if (from === undefined || to === undefined) return null;
            const [x1, y1, x2, y2] = [x(from) + WIDE, y(from) + HIGH / 2, x(to), y(to) + HIGH / 2];
            const bend = Math.max((x2 - x1) / 2, 40);
            return (
              <path
                key={`${from.key} ${to.key}`}
                className={classes["edge"]}
                data-failing={edge.failed / edge.calls > 0.05 || undefined}
                d={`M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`}
                strokeWidth={1 + 3 * Math.sqrt(edge.calls / most)}
              />
            );
          })}
        </svg>
        {nodes.map((node) => (
          <Place key={node.key} node={node} left={x(node)} top={y(node)} />
        ))}
      </div>
    </div>
  );
}

function Place({ node, left, top }: { node: Node; left: number; top: number }) {
  const [parameters] = useSearchParams();
  const href = WAYS[node.kind]?.(node.name);
  const name = harmless(node.name);
  const given = {
    className: classes["node"] ?? "",
    "data-kind": node.kind,
    style: { left, top, width: WIDE, height: HIGH },
    title: name,
  };
  const body = (
    <>
      <strong className="cut">{name}</strong>
      <span className="quiet cut">
        {node.kind}
        {node.calls > 0 && ` · ${count(node.calls)} calls`}
        {node.failed > 0 && <span className="bad"> · {ratio(node.failed / node.calls)} failed</span>}
      </span>
    </>
  );
  return href === undefined ? (
    <div {...given}>{body}</div>
  ) : (
    <Link {...given} href={withRange(href, parameters)}>
      {body}
    </Link>
  );
}

const WAYS: Readonly<Record<string, (name: string) => string>> = {
  service: (name) => filteredPath("/traces", "service", name),
  provider: (name) => filteredPath("/calls", "provider", name),
  tool: (name) => filteredPath("/runs?tab=tools", "tool", name),
};

const COLUMNS: readonly Column<Edge>[] = [
  { key: "caller", title: "Caller", cell: (edge) => <Sent text={edge.caller} />, sort: (edge) => edge.caller },
  { key: "callee", title: "Callee", cell: (edge) => <Sent text={edge.callee} />, sort: (edge) => edge.callee },
  {
    key: "kind",
    title: "Kind",
    width: "100px",
    from: 768,
    cell: (edge) => <Sent text={edge.callee_kind} isQuiet />,
    sort: (edge) => edge.callee_kind,
  },
  {
    key: "calls",
    title: "Calls",
    align: "right",
    width: "80px",
    cell: (edge) => count(edge.calls),
    sort: (edge) => edge.calls,
  },
  {
    key: "failed",
    title: "Failed",
    align: "right",
    width: "84px",
    cell: (edge) => <Failed failed={edge.failed} of={edge.calls} />,
    sort: (edge) => edge.failed / edge.calls,
  },
  {
    key: "average",
    title: "Average",
    align: "right",
    width: "96px",
    from: 768,
    cell: (edge) => duration(edge.avg_duration_ns),
    sort: (edge) => edge.avg_duration_ns,
  },
  {
    key: "p95",
    title: "p95",
    align: "right",
    width: "96px",
    from: 480,
    cell: (edge) => duration(edge.p95_duration_ns),
    sort: (edge) => edge.p95_duration_ns,
  },
  {
    key: "cost",
    title: "Cost",
    align: "right",
    width: "96px",
    from: 768,
    cell: (edge) => usd(edge.cost_nanos),
    sort: (edge) => edge.cost_nanos,
  },
];
