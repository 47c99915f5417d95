/** The server's own components and those that it observes, the worst first, each with how it was. */

import { Link, useSearchParams } from "wouter";

import { equals } from "../../core/complete";
import { ago, harmless } from "../../core/format";
import { useNow } from "../../core/now";
import { Empty } from "../../core/ui/Empty";
import { Columns, Panel } from "../../core/ui/Page";
import { Status } from "../../core/ui/Status";
import { Still } from "../../core/ui/Still";
import { type Column, Table } from "../../core/ui/Table";
import { withRange } from "../../core/url";
import type { Component, Event } from "./asking";
import classes from "./health.module.css";
import { Strip } from "./Strip";
import { stretches } from "./timeline";

/** Side by side where each has so much room. */
const SIDE_PX = 860;
const WORST_FIRST = ["unhealthy", "degraded", "healthy"];

interface Row extends Component {
  name: string;
}

export interface ComponentsProps {
  components: Readonly<Record<string, Component>> | undefined;
  events: readonly Event[];
  time: { startNs: number; endNs: number; knownNs: number };
  /** What the time is called. */
  label: string;
  onOpen: (component: string) => void;
}

export function Components(props: ComponentsProps) {
  const all = props.components && Object.entries(props.components).map(([name, one]) => ({ ...one, name }));
  const of = (part: Component["part"]): Row[] | undefined => all?.filter((one) => one.part === part).sort(worstFirst);
  return (
    <Columns min={SIDE_PX}>
      <Part title="This server" rows={of("server")} {...props} />
      <Part title="What it observes" rows={of("observed")} {...props} />
    </Columns>
  );
}

const worstFirst = (one: Row, other: Row): number =>
  WORST_FIRST.indexOf(one.state) - WORST_FIRST.indexOf(other.state) || (one.name < other.name ? -1 : 1);

function Part({
  title,
  rows,
  events,
  time,
  label,
  onOpen,
}: ComponentsProps & { title: string; rows: Row[] | undefined }) {
  const now = useNow();
  const [parameters] = useSearchParams();
  const columns: Column<Row>[] = [
    {
      key: "component",
      title: "Component",
      cell: (row) => (
        <>
          <span title={harmless(row.name)}>{harmless(row.name)}</span>
          <div className={`quiet cut ${classes["narrow"] ?? ""}`}>{harmless(row.detail)}</div>
        </>
      ),
    },
    { key: "state", title: "State", width: "124px", cell: (row) => <Status state={row.state} /> },
    {
      key: "detail",
      title: "Detail",
      width: "36%",
      from: 768,
      cell: (row) => <span title={harmless(row.detail)}>{harmless(row.detail)}</span>,
    },
    {
      key: "strip",
      title: label,
      width: "22%",
      from: 1200,
      cell: (row) => <Strip all={stretches(events, row.name, row.state, time)} {...time} />,
    },
    {
      key: "changed",
      title: "Changed",
      width: "104px",
      align: "right",
      from: 480,
      cell: (row) => ago(events.find((one) => one.component === row.name)?.at, now),
    },
    {
      key: "go",
      title: "",
      width: "84px",
      align: "right",
      from: 768,
      cell: (row) => {
        const [path, text] = whereOf(row.name) ?? [];
        return path === undefined ? "" : <Link href={withRange(path, parameters)}>{text}</Link>;
      },
    },
  ];
  return (
    <Panel title={title} flush>
      <Still rows={rows} rowKey={(row) => row.name}>
        {(shown) => (
          <Table
            label={title}
            columns={columns}
            rows={shown}
            rowKey={(row) => row.name}
            onOpen={(row) => {
              onOpen(row.name);
            }}
            hasKeys={title === "This server"}
            empty={
              <Empty title="Nothing is observed yet">
                Providers, workers, breakers and queues come with telemetry.
              </Empty>
            }
          />
        )}
      </Still>
    </Panel>
  );
}

/** Where one looks next: a path and what is there. */
function whereOf(name: string): readonly [string, string] | null {
  const [kind = "", ...rest] = name.split(" ");
  const of = rest.join(" ");
  const filtered = (path: string, filter: string): string => `${path}?${new URLSearchParams({ filter }).toString()}`;
  const known: Readonly<Record<string, readonly [string, string]>> = {
    provider: [filtered("/calls", equals("provider", of)), "LLM calls"],
    worker: [filtered("/traces", equals("service", of)), "Traces"],
    workflows: ["/runs", "Runs"],
    rules: ["/alerts?tab=rules", "Rules"],
  };
  return known[kind] ?? null;
}
