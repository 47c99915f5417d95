/** The alerts that are not over. */

import { ActionIcon, Tooltip } from "@mantine/core";
import { IconUserCheck } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useSearchParams } from "wouter";

import { useAsk } from "../../core/ask";
import { ago, clock, harmless } from "../../core/format";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { Panel } from "../../core/ui/Page";
import { Still } from "../../core/ui/Still";
import { Status } from "../../core/ui/Status";
import { type Column, Table } from "../../core/ui/Table";
import { withRange } from "../../core/url";
import { ActForm } from "./ActForm";
import { useMayChange } from "./acts";
import classes from "./Alerts.module.css";
import type { Alert } from "./asked";
import { Against, LabelsOf } from "./parts";

const RANK: Readonly<Record<string, number>> = { critical: 3, error: 2, warning: 1, info: 0 };
const STATES = ["firing", "acknowledged", "pending"] as const;

export function Active({ nowNs }: { nowNs: number }) {
  const asked = useAsk("/api/alerts", { query: { state: [...STATES], limit: 500 } }, { follow: ["alerts"] });
  const [parameters] = useSearchParams();
  const mayChange = useMayChange();
  const [doing, setDoing] = useState<Alert | null>(null);
  const rows = useMemo(() => asked.data?.items.toSorted(worst), [asked.data]);
  // A row that stays where it is still tells how it is now.
  const latest = new Map(rows?.map((one) => [one.episode, one]));
  if (asked.error !== null && asked.data === undefined) return <Failure error={asked.error} again={asked.again} />;
  return (
    <Panel flush>
      <Still rows={rows} rowKey={({ episode }) => episode}>
        {(shown) => (
          <Table<Alert>
            label="Active alerts"
            columns={columns(nowNs, mayChange ? setDoing : null)}
            rows={shown.map((one) => latest.get(one.episode) ?? one)}
            rowKey={({ episode }) => episode}
            href={({ id }) => withRange(`/alerts/${id}`, parameters)}
            hasKeys
            empty={
              <Empty title="Nothing fires">
                All rules that are on hold. `Rules` shows what is watched; a rule of your own begins with one measure
                and a threshold.
              </Empty>
            }
          />
        )}
      </Still>
      {doing !== null && (
        <ActForm
          what="acknowledge"
          alert={doing}
          onClose={() => {
            setDoing(null);
          }}
          onDone={() => {
            setDoing(null);
            asked.again();
          }}
        />
      )}
    </Panel>
  );
}

/** Firing before acknowledged before pending, the worst first, then the newest. */
const worst = (one: Alert, other: Alert): number =>
  STATES.findIndex((state) => state === one.state) - STATES.findIndex((state) => state === other.state) ||
  (RANK[other.severity] ?? 0) - (RANK[one.severity] ?? 0) ||
  other.started_at - one.started_at;

function columns(nowNs: number, onAcknowledge: ((alert: Alert) => void) | null): Column<Alert>[] {
  return [
    {
      key: "state",
      title: "State",
      width: "128px",
      cell: ({ state }) => <Status state={state} />,
      sort: (one) => one.state,
    },
    {
      key: "severity",
      title: "Severity",
      width: "104px",
      from: 768,
      cell: ({ severity }) => <Status state={severity} />,
      sort: ({ severity }) => RANK[severity],
    },
    { key: "alert", title: "Alert", cell: (one) => <Named alert={one} />, sort: ({ rule }) => rule },
    { key: "labels", title: "Labels", width: "19%", from: 1200, cell: ({ labels }) => <LabelsOf labels={labels} /> },
    {
      key: "value",
      title: "Value / threshold",
      width: "158px",
      from: 480,
      align: "right",
      cell: (one) => <Against {...one} />,
    },
    {
      key: "since",
      title: "Since",
      width: "96px",
      align: "right",
      cell: ({ fired_at, started_at }) => (
        <span title={clock(fired_at ?? started_at)}>{ago(fired_at ?? started_at, nowNs / 1e6)}</span>
      ),
      sort: ({ fired_at, started_at }) => fired_at ?? started_at,
    },
    {
      key: "who",
      title: "Looked after by",
      width: "150px",
      from: 768,
      cell: (one) =>
        one.state === "acknowledged" ? (
          <span title={harmless(one.note)}>{harmless(one.acknowledged_by ?? "")}</span>
        ) : onAcknowledge !== null && one.state === "firing" ? (
          <Tooltip label="Acknowledge">
            <ActionIcon
              variant="subtle"
              aria-label={`Acknowledge ${one.rule}`}
              onClick={() => {
                onAcknowledge(one);
              }}
            >
              <IconUserCheck size={16} aria-hidden />
            </ActionIcon>
          </Tooltip>
        ) : null,
    },
  ];
}

function Named({ alert }: { alert: Alert }) {
  const summary = harmless(alert.annotations.find(([name]) => name === "summary")?.[1] ?? "");
  return (
    <span className={classes["named"]} title={`${alert.rule_id} ${summary}`}>
      <strong>{harmless(alert.rule)}</strong>
      <span className="quiet cut">{summary}</span>
    </span>
  );
}
