/** What is watched of voice: thresholds, and whether they hold now. */

import { useSearchParams } from "wouter";

import type { Schemas } from "../../core/client";
import { Panel } from "../../core/ui/Page";
import { Sent } from "../../core/ui/Sent";
import { Status } from "../../core/ui/Status";
import { type Column, Table } from "../../core/ui/Table";
import { withRange } from "../../core/url";

export type Ruled = Schemas["Ruled"];

export function Rules({ rules, firing }: { rules: readonly Ruled[] | undefined; firing: ReadonlyMap<string, string> }) {
  const [parameters] = useSearchParams();
  return (
    <Panel title="Thresholds" flush>
      <Table
        label="Thresholds"
        columns={columns(firing)}
        rows={rules}
        rowKey={(rule) => rule.id}
        sortParam="rule"
        href={(rule) => {
          const alert = firing.get(rule.id);
          return withRange(
            alert === undefined ? `/alerts?tab=rules&rule=${encodeURIComponent(rule.id)}` : `/alerts/${alert}`,
            parameters,
          );
        }}
        empty={
          <p className="quiet" style={{ padding: "0 16px" }}>
            No rule watches voice turns.
          </p>
        }
      />
    </Panel>
  );
}

const said = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? `${value}` : "");

const columns = (firing: ReadonlyMap<string, string>): readonly Column<Ruled>[] => [
  { key: "rule", title: "Rule", cell: (rule) => <Sent text={said(rule.definition["description"]) || rule.name} /> },
  {
    key: "threshold",
    title: "Threshold",
    align: "right",
    width: "104px",
    cell: (rule) => `${said(rule.definition["operator"]) || ">"} ${said(rule.definition["threshold"])}`,
  },
  {
    key: "state",
    title: "Now",
    width: "104px",
    cell: (rule) => (
      <Status
        state={!rule.enabled ? "inactive" : firing.has(rule.id) ? "firing" : rule.evaluated_at === null ? "idle" : "ok"}
        label={
          !rule.enabled ? "off" : firing.has(rule.id) ? "firing" : rule.evaluated_at === null ? "not yet" : "holds"
        }
      />
    ),
  },
];
