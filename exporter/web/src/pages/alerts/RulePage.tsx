/** One rule: how it does, its text, what it says and would have said, and its alerts. */

import { Alert as Notice, Button, Group, Modal, Switch, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconCopy, IconTrash } from "@tabler/icons-react";
import { useMemo } from "react";
import { Link, useLocation } from "wouter";

import { useAsk } from "../../core/ask";
import { useNow } from "../../core/now";
import { api, taken } from "../../core/client";
import { ago, clock, duration, harmless } from "../../core/format";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { Loading } from "../../core/ui/Loading";
import { Page, Panel, Trail } from "../../core/ui/Page";
import { Status } from "../../core/ui/Status";
import { type Column, Table } from "../../core/ui/Table";
import { useMayChange, useName, useSending } from "./acts";
import { type Alert, type Definition, questionOf, type Rule, wordOf } from "./asked";
import { Against, Facts, LabelsOf } from "./parts";
import { RuleForm } from "./RuleForm";
import { write } from "./written";

export function RulePage({ group, name }: { group: string; name: string }) {
  const path = { path: { group, name } };
  const { data: rule, error, again } = useAsk("/api/rules/{group}/{name}", path, { everyMs: 15_000 });
  const mayChange = useMayChange();
  const [by] = useName();
  const [, go] = useLocation();
  const [isDeleting, deleting] = useDisclosure();
  const { refused, send } = useSending();
  const definition = JSON.stringify(rule?.definition ?? {});
  const text = useMemo(() => write(JSON.parse(definition) as Definition), [definition]);
  if (rule?.name !== name || rule.group !== group)
    return <Page title={harmless(name)}>{error === null ? <Loading /> : <Failure error={error} again={again} />}</Page>;
  const isOwn = rule.origin === "api" && mayChange;
  const save = async (changed: Definition): Promise<void> => {
    taken(await api.PUT("/api/rules/{group}/{name}", { params: path, body: { rule: { ...changed }, by } }));
    again();
  };
  return (
    <Page
      title={
        <Trail href="/alerts?tab=rules" name="Rules">
          {rule.name}
          <Status state={rule.health} />
        </Trail>
      }
      actions={
        <Switch
          label={rule.enabled ? "On" : "Off"}
          checked={rule.enabled}
          disabled={!mayChange}
          onChange={(event) => {
            const enabled = event.currentTarget.checked;
            void send(async () => {
              taken(await api.POST("/api/rules/{group}/{name}/toggle", { params: path, body: { enabled, by } }));
              again();
            });
          }}
        />
      }
    >
      {rule.error !== "" && (
        <Notice color="red" title="Its last evaluation failed">
          {harmless(rule.error)}
        </Notice>
      )}
      {refused !== null && <Failure error={refused} />}
      <Told rule={rule} />
      <RuleForm
        key={rule.id}
        text={text}
        {...(isOwn ? { onSave: save } : { readOnly: whyNot(rule, mayChange) })}
        more={
          mayChange && (
            <>
              <Button
                component={Link}
                href={`/alerts/rules/new?from=${encodeURIComponent(rule.id)}`}
                size="xs"
                variant="default"
                leftSection={<IconCopy size={14} aria-hidden />}
              >
                Make one like it
              </Button>
              {isOwn && (
                <Button
                  size="xs"
                  variant="default"
                  leftSection={<IconTrash size={14} aria-hidden />}
                  onClick={deleting.open}
                >
                  Delete
                </Button>
              )}
            </>
          )
        }
      />
      <Alerts rule={rule} />
      <Modal opened={isDeleting} onClose={deleting.close} title={`Delete ${rule.id}?`}>
        <Text size="sm">Its alerts end. What they were stays in the history.</Text>
        <Group justify="flex-end" mt="md">
          <Button
            size="sm"
            color="red"
            onClick={() => {
              deleting.close();
              void send(async () => {
                taken(await api.DELETE("/api/rules/{group}/{name}", { params: path }));
                go("/alerts?tab=rules");
              });
            }}
          >
            Delete
          </Button>
        </Group>
      </Modal>
    </Page>
  );
}

function whyNot({ origin }: Rule, mayChange: boolean): string {
  if (!mayChange) return "It takes a token with the scope admin to change it.";
  if (origin === "default") return "This rule comes with otel-ax. Make one like it to change it, or turn it off.";
  return `This rule is declared in ${harmless(origin)}; change it there.`;
}

function Told({ rule }: { rule: Rule }) {
  const now = useNow();
  const description = wordOf(rule.definition, "description");
  return (
    <Panel>
      <Facts
        facts={[
          ["Fires when", harmless(questionOf(rule.definition))],
          ...(description === "" ? [] : ([["What for", harmless(description)]] as const)),
          ["Severity", <Status key="severity" state={rule.severity} />],
          ["Evaluated", `${ago(rule.evaluated_at, now)}, each ${duration(rule.interval_ns)}`],
          ...(rule.missed === 0 ? [] : ([["Evaluations missed", rule.missed]] as const)),
          ["Group", rule.group],
          ["From", <span key="from">{rule.origin === "api" ? "made here" : harmless(rule.origin)}</span>],
        ]}
      />
    </Panel>
  );
}

function Alerts({ rule }: { rule: Rule }) {
  const { data, error } = useAsk("/api/alerts", { query: { rule: rule.id, limit: 50 } }, { follow: ["alerts"] });
  return (
    <Panel flush title="Its alerts">
      {error !== null && data === undefined ? (
        <Failure error={error} />
      ) : (
        <Table<Alert>
          label="Alerts of the rule"
          columns={COLUMNS}
          rows={data?.items}
          rowKey={({ episode }) => episode}
          href={({ id }) => `/alerts/${id}`}
          height="40vh"
          hasKeys
          sortParam="alerts"
          empty={<Empty title="It has never fired">Backtest tells whether it would have.</Empty>}
        />
      )}
    </Panel>
  );
}

const COLUMNS: readonly Column<Alert>[] = [
  { key: "state", title: "State", width: "130px", cell: ({ state }) => <Status state={state} /> },
  { key: "labels", title: "Labels", cell: ({ labels }) => <LabelsOf labels={labels} /> },
  {
    key: "value",
    title: "Value / threshold",
    width: "160px",
    align: "right",
    from: 480,
    cell: (one) => <Against {...one} />,
  },
  {
    key: "began",
    title: "Began",
    width: "150px",
    from: 480,
    cell: ({ started_at }) => clock(started_at).replace(/\.\d+$/, ""),
  },
  {
    key: "for",
    title: "Fired for",
    width: "110px",
    align: "right",
    cell: ({ fired_at, resolved_at }) =>
      fired_at === null ? "–" : resolved_at === null ? "still" : duration(resolved_at - fired_at),
  },
];
