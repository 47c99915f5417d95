/** What changed, the latest first: of all components, or of one. */

import { Button, CloseButton, Group } from "@mantine/core";

import { ago, clock, harmless } from "../../core/format";
import { useNow } from "../../core/now";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { Panel } from "../../core/ui/Page";
import { Status } from "../../core/ui/Status";
import { Still } from "../../core/ui/Still";
import { type Column, Table } from "../../core/ui/Table";
import type { Asked } from "../../core/ask";
import type { Answer } from "../../core/client";
import type { Event } from "./asking";
import classes from "./health.module.css";

export function Events({
  asked,
  component,
  onComponent,
  onMore,
}: {
  asked: Asked<Answer<"/api/health/events">>;
  component: string;
  onComponent: (component: string) => void;
  /** Asks for more; null where there are no more, or no more can be asked for. */
  onMore: (() => void) | null;
}) {
  const now = useNow();
  const columns: Column<Event>[] = [
    {
      key: "at",
      title: "When",
      width: "96px",
      cell: (row) => <span title={clock(row.at)}>{ago(row.at, now)}</span>,
    },
    {
      key: "component",
      title: "Component",
      cell: (row) => (
        <>
          <span title={harmless(row.component)}>{harmless(row.component)}</span>
          <div className={`quiet cut ${classes["narrow"] ?? ""}`}>{harmless(row.detail)}</div>
        </>
      ),
    },
    { key: "from", title: "From", width: "124px", from: 480, cell: (row) => <Was state={row.from_state} /> },
    { key: "to", title: "To", width: "124px", cell: (row) => <Was state={row.to_state} /> },
    {
      key: "detail",
      title: "Detail",
      width: "40%",
      from: 768,
      cell: (row) => <span title={harmless(row.detail)}>{harmless(row.detail)}</span>,
    },
  ];
  return (
    <Panel
      title="Changes"
      flush
      actions={
        component !== "" && (
          <Group gap={4}>
            <span>only {harmless(component)}</span>
            <CloseButton
              size="sm"
              aria-label="Changes of all components"
              onClick={() => {
                onComponent("");
              }}
            />
          </Group>
        )
      }
    >
      {asked.error !== null && asked.data === undefined ? (
        <Failure error={asked.error} again={asked.again} />
      ) : (
        <Still
          rows={asked.data?.items}
          rowKey={(row) => `${row.number}`}
          question={`${component} ${onMore === null ? "all" : "first"}`}
          isOld={asked.isOld}
        >
          {(shown) => (
            <Table
              label="Changes of components"
              columns={columns}
              rows={shown}
              rowKey={(row) => `${row.number}`}
              height="420px"
              onOpen={(row) => {
                onComponent(row.component);
              }}
              empty={<Empty title="Nothing has changed">A component that becomes better or worse is told here.</Empty>}
            />
          )}
        </Still>
      )}
      {onMore !== null && (
        <Group justify="center" p="xs">
          <Button variant="default" size="xs" onClick={onMore}>
            More
          </Button>
        </Group>
      )}
    </Panel>
  );
}

const Was = ({ state }: { state: Event["from_state"] }) =>
  state === null ? <span className="quiet">not there</span> : <Status state={state} />;
