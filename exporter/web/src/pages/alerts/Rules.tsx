/** All rules, how they do, and the switch of each. */

import { Alert as Notice, Button, Switch } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { Link } from "wouter";

import { useAsk } from "../../core/ask";
import { api, taken } from "../../core/client";
import { ago, harmless } from "../../core/format";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { Panel } from "../../core/ui/Page";
import { Status } from "../../core/ui/Status";
import { type Column, Table } from "../../core/ui/Table";
import { useMayChange, useName, useSending } from "./acts";
import classes from "./Alerts.module.css";
import { questionOf, type Rule, ruleHref } from "./asked";

const MOST = 500;

export function Rules({ nowNs }: { nowNs: number }) {
  const { data, error, again } = useAsk(
    "/api/rules",
    { query: { limit: MOST } },
    { follow: ["alerts"], everyMs: 15_000 },
  );
  const problems = useAsk("/api/rules/problems", {}).data ?? [];
  const { refused, send } = useSending();
  const mayChange = useMayChange();
  const [by] = useName();
  const turn = async (rule: Rule, enabled: boolean): Promise<void> => {
    const params = { path: { group: rule.group, name: rule.name } };
    await send(async () =>
      taken(await api.POST("/api/rules/{group}/{name}/toggle", { params, body: { enabled, by } })),
    );
    again();
  };
  if (error !== null && data === undefined) return <Failure error={error} again={again} />;
  return (
    <>
      {problems.length > 0 && (
        <Notice color="orange" title="Files of rules that cannot be used">
          {problems.map((one) => (
            <div key={one} className="mono">
              {harmless(one)}
            </div>
          ))}
        </Notice>
      )}
      {refused !== null && <Failure error={refused} />}
      <Panel
        flush
        title="Rules"
        actions={
          mayChange && (
            <Button
              component={Link}
              href="/alerts/rules/new"
              size="xs"
              leftSection={<IconPlus size={14} aria-hidden />}
            >
              New rule
            </Button>
          )
        }
      >
        <Table<Rule>
          label="Rules"
          columns={columns(nowNs, mayChange ? (rule, enabled) => void turn(rule, enabled) : null)}
          rows={data?.items}
          rowKey={({ id }) => id}
          href={({ id }) => ruleHref(id)}
          hasKeys
          empty={
            <Empty title="No rules" snippet="ax rules check rules/">
              Rules come from files in `rules/` of the data directory, or are made here.
            </Empty>
          }
        />
      </Panel>
    </>
  );
}

function columns(nowNs: number, onTurn: ((rule: Rule, enabled: boolean) => void) | null): Column<Rule>[] {
  return [
    {
      key: "rule",
      title: "Rule",
      width: "26%",
      cell: ({ id, name, group, definition }) => (
        <span className={classes["named"]} title={`${id} ${harmless(text(definition["description"]))}`}>
          <strong className="cut">{name}</strong>
          <span className="quiet cut">{group}</span>
        </span>
      ),
      sort: ({ name }) => name,
    },
    {
      key: "asks",
      title: "Fires when",
      from: 768,
      cell: ({ definition }) => (
        <span title={harmless(questionOf(definition))}>{harmless(questionOf(definition))}</span>
      ),
    },
    {
      key: "severity",
      title: "Severity",
      width: "106px",
      from: 768,
      cell: ({ severity }) => <Status state={severity} />,
      sort: ({ severity }) => severity,
    },
    {
      key: "health",
      title: "Health",
      width: "110px",
      cell: ({ health, error }) => (
        <span title={harmless(error)}>
          <Status state={health} />
        </span>
      ),
      sort: ({ health }) => health,
    },
    {
      key: "origin",
      title: "From",
      width: "150px",
      from: 1200,
      cell: ({ origin }) => (
        <span className="quiet" title={harmless(origin)}>
          {harmless(origin.split("/").at(-1) ?? "")}
        </span>
      ),
      sort: ({ origin }) => origin,
    },
    {
      key: "evaluated",
      title: "Evaluated",
      width: "100px",
      align: "right",
      from: 768,
      cell: ({ evaluated_at }) => ago(evaluated_at, nowNs / 1e6),
      sort: ({ evaluated_at }) => evaluated_at,
    },
    {
      key: "on",
      title: "On",
      width: "64px",
      cell: (rule) => (
        <Switch
          size="sm"
          aria-label={`${rule.id} is on`}
          checked={rule.enabled}
          disabled={onTurn === null}
          onChange={(event) => {
            onTurn?.(rule, event.currentTarget.checked);
          }}
        />
      ),
    },
  ];
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
