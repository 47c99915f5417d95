/** What a rule says now, and what it would have done. */

import { Text } from "@mantine/core";

import { duration, harmless, measured, whole } from "../../core/format";
import { Empty } from "../../core/ui/Empty";
import { Panel } from "../../core/ui/Page";
import { Status } from "../../core/ui/Status";
import { type Column, Table } from "../../core/ui/Table";
import { lanes } from "./spans";
import { Timeline } from "./Timeline";
import { type Backtested, labelsText, type Tested, wouldHave } from "./trials";

interface Row {
  labels: string;
  value: number | null;
  records: number | null;
  change: string | null;
}

export function NowSays({ found }: { found: Tested }) {
  const changes = new Map(found.changes.map((one) => [labelsText(one.labels), one.transition]));
  const rows = found.samples.map(({ labels, value, records }) => {
    const text = labelsText(labels);
    return { labels: text, value, records, change: changes.get(text) ?? null };
  });
  const firing = found.changes.filter(({ transition }) => transition === "firing").length;
  return (
    <Panel flush title={firing === 0 ? "Now: nothing would fire" : `Now: ${firing} would fire`}>
      {found.error !== null ? (
        <Text p="md" className="bad" role="alert">
          {harmless(found.error)}
        </Text>
      ) : (
        <Table<Row>
          label="What the rule says now"
          columns={columns(found.unit ?? "number")}
          rows={rows}
          rowKey={({ labels }) => labels}
          sortParam="samples"
          height="320px"
          empty={<Empty title="No records in the window">What that means is said by `no_data`.</Empty>}
        />
      )}
    </Panel>
  );
}

const columns = (unit: string): Column<Row>[] => [
  {
    key: "labels",
    title: "Labels",
    cell: ({ labels }) => <span title={harmless(labels)}>{harmless(labels)}</span>,
    sort: ({ labels }) => labels,
  },
  {
    key: "value",
    title: "Value",
    width: "130px",
    align: "right",
    cell: ({ value }) => measured(value, unit),
    sort: ({ value }) => value,
  },
  {
    key: "records",
    title: "Records",
    width: "100px",
    align: "right",
    from: 480,
    cell: ({ records }) => whole(records),
    sort: ({ records }) => records,
  },
  {
    key: "change",
    title: "Would be",
    width: "120px",
    cell: ({ change }) => (change === null ? <span className="quiet">–</span> : <Status state={change} />),
  },
];

export function WouldHave({ found, range }: { found: Backtested; range: string }) {
  const fired = lanes(wouldHave(found), found.start_ns, found.end_ns);
  const times = found.fired_count === 1 ? "once" : `${found.fired_count} times`;
  return (
    <Panel
      title={
        found.fired_count === 0 ? `It would not have fired in ${range}` : `It would have fired ${times} in ${range}`
      }
      actions={
        <span className="quiet">{`${whole(found.slots)} evaluations, one each ${duration(found.every_ns)}`}</span>
      }
    >
      {found.failures > 0 && (
        <Text size="sm" className="bad" role="alert">
          {`${whole(found.failures)} evaluations failed: ${harmless(found.failure)}`}
        </Text>
      )}
      {found.fired_count > found.fired.length && (
        <Text size="sm" className="warn">{`The first ${found.fired.length} are shown.`}</Text>
      )}
      {fired.length > 0 && <Timeline lanes={fired} startNs={found.start_ns} endNs={found.end_ns} />}
    </Panel>
  );
}
