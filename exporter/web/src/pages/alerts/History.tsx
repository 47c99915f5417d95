/** What changed, the latest first: of one alert, or of all. */

import { Button, Group } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";

import type { Schemas } from "../../core/client";
import { clock, harmless } from "../../core/format";
import { useListed } from "../../core/listed";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { NewRows } from "../../core/ui/Listed";
import { Panel } from "../../core/ui/Page";
import { Status } from "../../core/ui/Status";
import { type Column, Table } from "../../core/ui/Table";
import { ruleHref } from "./asked";
import { Against, reasonOf } from "./parts";

type Entry = Schemas["Entry"];

const STEP = 100;

export function History({ alert }: { alert?: string }) {
  const [isAway, setAway] = useState(false);
  const query = alert === undefined ? { limit: STEP } : { alert, limit: STEP };
  const list = useListed("/api/alerts/history", { query }, { follow: ["alerts"], hold: isAway });
  const { rows, error, again } = list;
  if (error !== null && rows === undefined) return <Failure error={error} again={again} />;
  return (
    <Panel flush title="History" actions={<NewRows list={list} leftSection={null} />}>
      {error !== null && <Failure error={error} />}
      <Table<Entry>
        label="History"
        columns={alert === undefined ? [WHEN, RULE, ...REST] : [WHEN, ...REST]}
        rows={rows}
        rowKey={({ number }) => `${number}`}
        sortParam="order"
        {...(alert === undefined ? { href: (one: Entry) => `/alerts/${one.alert_id}`, hasKeys: true } : {})}
        height="60vh"
        onAway={setAway}
        empty={<Empty title="Nothing has changed yet">Each change of an alert is kept here.</Empty>}
      />
      {list.hasMore && (
        <Group justify="center" p="xs">
          <Button size="compact-sm" variant="default" loading={list.isAsking} onClick={() => void list.more()}>
            More
          </Button>
        </Group>
      )}
    </Panel>
  );
}

const WHEN: Column<Entry> = {
  key: "at",
  title: "At",
  width: "148px",
  cell: ({ at }) => clock(at).replace(/\.\d+$/, ""),
};
const RULE: Column<Entry> = {
  key: "rule",
  title: "Rule",
  cell: ({ rule, rule_id }) => (
    <Link href={ruleHref(rule_id)} title={rule_id}>
      {harmless(rule)}
    </Link>
  ),
};
const REST: readonly Column<Entry>[] = [
  {
    key: "to",
    title: "Became",
    width: "130px",
    cell: ({ to_state, from_state }) => (
      <span title={`it was ${from_state}`}>
        <Status state={to_state} />
      </span>
    ),
  },
  {
    key: "severity",
    title: "Severity",
    width: "106px",
    from: 768,
    cell: ({ severity }) => <Status state={severity} />,
  },
  {
    key: "value",
    title: "Value / threshold",
    width: "160px",
    align: "right",
    from: 480,
    cell: (one) => <Against {...one} />,
  },
  {
    key: "why",
    title: "Why",
    width: "26%",
    from: 768,
    cell: ({ by, reason }) => {
      const text = harmless([by, reasonOf(reason)].filter(Boolean).join(": "));
      return <span title={text}>{text}</span>;
    },
  },
];
