/** Where notices go, whether they got there, a try; and what was given up, which can go out again. */

import { Alert, Button } from "@mantine/core";
import { useState } from "react";

import { useAsk } from "../../core/ask";
import { api, type Answer, Refused, taken } from "../../core/client";
import { ago, clock, harmless, whole } from "../../core/format";
import { useNow } from "../../core/now";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { Panel } from "../../core/ui/Page";
import { Status } from "../../core/ui/Status";
import { type Column, Table } from "../../core/ui/Table";
import type { Channel } from "./asking";
import { type Dead, deadOf } from "./dead";

const OFTEN_MS = 5_000;
const DECLARED = `# rules/channels.yaml
channels:
  - {name: team, type: slack, url: "\${SLACK_URL}", severity: warning}`;

interface Outcome {
  tone: "good" | "bad";
  title: string;
  text: string;
}

export function Channels() {
  const asking = { follow: ["alerts"], everyMs: OFTEN_MS } as const;
  const channels = useAsk("/api/notifications/channels", {}, asking);
  const dead = useAsk("/api/notifications/dead", { query: { limit: 100 } }, asking);
  const mayChange = useAsk("/api/session", {}).data?.scopes.includes("admin") ?? false;
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [busy, setBusy] = useState("");
  const act = async (name: string, doing: () => Promise<Outcome>): Promise<void> => {
    setBusy(name);
    setOutcome(await doing().catch(failed));
    setBusy("");
    channels.again();
    dead.again();
  };
  const given = deadOf(dead.data);
  return (
    <>
      <Panel title="Notification channels" flush>
        {outcome !== null && (
          <Alert
            mx="md"
            mb="sm"
            color={outcome.tone === "good" ? "teal" : "red"}
            title={outcome.title}
            role="status"
            withCloseButton
            closeButtonLabel="Close"
            onClose={() => {
              setOutcome(null);
            }}
          >
            {outcome.text}
          </Alert>
        )}
        {channels.error !== null && channels.data === undefined ? (
          <Failure error={channels.error} again={channels.again} />
        ) : (
          <List
            rows={channels.data}
            busy={busy}
            onTest={mayChange ? (name) => void act(name, () => tried(name)) : null}
          />
        )}
      </Panel>
      {given.length > 0 && (
        <Panel
          title="Notices that were given up"
          flush
          actions={
            <Button
              size="xs"
              variant="default"
              disabled={!mayChange}
              loading={busy === AGAIN}
              onClick={() => void act(AGAIN, sentAgain)}
            >
              Send again
            </Button>
          }
        >
          <GivenUp rows={given} />
        </Panel>
      )}
    </>
  );
}

const AGAIN = "\u0000again";

async function tried(name: string): Promise<Outcome> {
  const path = { params: { path: { name } } };
  const told = taken<Answer<"/api/notifications/channels"> | Try[]>(
    await api.POST("/api/notifications/channels/{name}/test", path),
  ) as Try[];
  const isTaken = told.every((one) => one.taken);
  return {
    tone: isTaken ? "good" : "bad",
    title: isTaken ? `${harmless(name)} took the test` : `${harmless(name)} did not take the test`,
    text: told.map((one) => `${one.said}: ${harmless(one.status)}`).join(" · "),
  };
}

interface Try {
  said: string;
  taken: boolean;
  status: string;
}

async function sentAgain(): Promise<Outcome> {
  const told = taken<Record<string, number>>(await api.POST("/api/notifications/dead/retry", {}));
  const { again = 0, over = 0 } = told;
  return { tone: "good", title: `${whole(again)} go out again`, text: `${whole(over)} are over and stay here.` };
}

const failed = (error: unknown): Outcome =>
  error instanceof Refused
    ? { tone: "bad", title: error.problem.title, text: error.problem.mend }
    : { tone: "bad", title: "the server does not answer", text: "look whether `ax serve` still runs" };

function List({
  rows,
  busy,
  onTest,
}: {
  rows: readonly Channel[] | undefined;
  busy: string;
  onTest: ((name: string) => void) | null;
}) {
  const now = useNow();
  const columns: Column<Channel>[] = [
    { key: "name", title: "Channel", cell: (row) => <span title={harmless(row.name)}>{harmless(row.name)}</span> },
    { key: "type", title: "Type", width: "110px", from: 480, cell: (row) => harmless(row.type) },
    { key: "severity", title: "From", width: "104px", from: 768, cell: (row) => row.severity },
    { key: "state", title: "State", width: "96px", cell: (row) => <Status {...stateOf(row)} /> },
    {
      key: "waiting",
      title: "Waiting",
      width: "132px",
      align: "right",
      from: 768,
      cell: (row) =>
        `${whole(row.waiting)}${row.waiting_since === null ? "" : `, since ${ago(row.waiting_since, now)}`}`,
    },
    { key: "dead", title: "Given up", width: "92px", align: "right", from: 480, cell: (row) => whole(row.dead) },
    {
      key: "answer",
      title: "Last answer",
      width: "26%",
      from: 768,
      cell: (row) =>
        row.last_answer_at === null ? (
          <span className="quiet">none yet</span>
        ) : (
          <span title={`${harmless(row.last_answer)}, ${clock(row.last_answer_at)}`}>
            {harmless(row.last_answer)}, {ago(row.last_answer_at, now)}
          </span>
        ),
    },
    {
      key: "test",
      title: "",
      width: "84px",
      align: "right",
      cell: (row) => (
        <Button
          size="compact-xs"
          variant="default"
          disabled={onTest === null}
          loading={busy === row.name}
          aria-label={`Test ${harmless(row.name)}`}
          onClick={() => onTest?.(row.name)}
        >
          Test
        </Button>
      ),
    },
  ];
  return (
    <Table
      label="Notification channels"
      columns={columns}
      rows={rows}
      rowKey={(row) => row.name}
      empty={
        <Empty title="Nobody is told of alerts yet" snippet={DECLARED}>
          A channel in a file of rules says who is.
        </Empty>
      }
    />
  );
}

const stateOf = (row: Channel): { state: string; label?: string } => {
  if (row.failing) return { state: "failed", label: "failing" };
  if (row.dead > 0) return { state: "degraded", label: "gave up" };
  return row.last_answer_at === null ? { state: "idle", label: "unused" } : { state: "ok" };
};

function GivenUp({ rows }: { rows: readonly Dead[] }) {
  const now = useNow();
  const columns: Column<Dead>[] = [
    { key: "channel", title: "Channel", width: "22%", cell: (row) => harmless(row.channel) },
    {
      key: "notices",
      title: "Notices",
      cell: (row) => <span title={harmless(row.notices.join("\n"))}>{harmless(row.notices.join(", "))}</span>,
    },
    {
      key: "attempts",
      title: "Attempts",
      width: "88px",
      align: "right",
      from: 480,
      cell: (row) => whole(row.attempts),
    },
    { key: "status", title: "Last answer", width: "24%", from: 768, cell: (row) => harmless(row.status) },
    {
      key: "ended",
      title: "Given up",
      width: "104px",
      align: "right",
      cell: (row) => <span title={clock(row.endedNs)}>{ago(row.endedNs, now)}</span>,
    },
  ];
  return <Table label="Notices that were given up" columns={columns} rows={rows} rowKey={(row) => `${row.number}`} />;
}
