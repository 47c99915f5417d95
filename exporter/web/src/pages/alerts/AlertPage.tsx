/** One alert: what it says, how its value went, what is behind it, what became of it. */

import { Button, Group } from "@mantine/core";
import { IconBellOff, IconCheck, IconUserCheck } from "@tabler/icons-react";
import { useState } from "react";
import { Link, useSearchParams } from "wouter";

import { useAsk } from "../../core/ask";
import { where } from "../../core/complete";
import { useNow } from "../../core/now";
import { ago, clock, duration, harmless, rfc3339 } from "../../core/format";
import { Failure } from "../../core/ui/Failure";
import { Loading } from "../../core/ui/Loading";
import { Page, Panel, Trail } from "../../core/ui/Page";
import { Copy } from "../../core/ui/Snippet";
import { Status } from "../../core/ui/Status";
import { withRange } from "../../core/url";
import { ActForm } from "./ActForm";
import { type Act, useMayChange } from "./acts";
import classes from "./Alerts.module.css";
import { type Alert, around, behind, isRule, partsOf, ruleHref, type Rule } from "./asked";
import { Behind } from "./Behind";
import { History } from "./History";
import { Against, Facts, LabelsOf, reasonOf } from "./parts";
import { Value } from "./Value";

const ROUND_NS = 30e9;

export function AlertPage({ id }: { id: string }) {
  const [parameters] = useSearchParams();
  const asked = useAsk("/api/alerts/{alert}", { path: { alert: id } }, { follow: ["alerts"], everyMs: 15_000 });
  const alert = asked.data?.id === id || asked.data?.episode.startsWith(id) ? asked.data : undefined;
  const [group, name] = partsOf(alert?.rule_id ?? "");
  const rule = useAsk(
    "/api/rules/{group}/{name}",
    alert === undefined || !isRule(alert.rule_id) ? null : { path: { group, name } },
  );
  const [doing, setDoing] = useState<Act | null>(null);
  const mayChange = useMayChange();
  if (alert === undefined)
    return (
      <Page title="Alert">
        {asked.error === null ? <Loading /> : <Failure error={asked.error} again={asked.again} />}
      </Page>
    );
  const isOpen = alert.state !== "resolved";
  return (
    <Page
      title={
        <Trail href={withRange("/alerts", parameters)} name="Alerts">
          {harmless(alert.rule)}
          <Status state={alert.state} />
        </Trail>
      }
      actions={
        mayChange &&
        isOpen && (
          <>
            {alert.state === "firing" && (
              <Button
                size="xs"
                leftSection={<IconUserCheck size={14} aria-hidden />}
                onClick={() => {
                  setDoing("acknowledge");
                }}
              >
                Acknowledge
              </Button>
            )}
            <Button
              size="xs"
              variant="default"
              leftSection={<IconBellOff size={14} aria-hidden />}
              onClick={() => {
                setDoing("silence");
              }}
            >
              Silence
            </Button>
            <Button
              size="xs"
              variant="default"
              leftSection={<IconCheck size={14} aria-hidden />}
              onClick={() => {
                setDoing("resolve");
              }}
            >
              Resolve
            </Button>
          </>
        )
      }
    >
      <Told alert={alert} />
      {rule.data !== undefined && <Evidence alert={alert} rule={rule.data} />}
      <History alert={alert.episode} />
      <ActForm
        what={doing}
        alert={alert}
        onClose={() => {
          setDoing(null);
        }}
        onDone={() => {
          setDoing(null);
          asked.again();
        }}
      />
    </Page>
  );
}

function Told({ alert }: { alert: Alert }) {
  const now = useNow();
  const began = alert.fired_at ?? alert.started_at;
  const others = alert.annotations.filter(([name]) => name !== "summary");
  const summary = alert.annotations.find(([name]) => name === "summary")?.[1];
  return (
    <Panel>
      {summary !== undefined && <p className={classes["summary"]}>{harmless(summary)}</p>}
      <Facts
        facts={[
          [
            "Value / threshold",
            <span key="value" className={classes["big"]}>
              <Against {...alert} />
            </span>,
          ],
          ["Severity", <Status key="severity" state={alert.severity} />],
          [
            alert.fired_at === null ? "Pending since" : "Fired",
            `${clock(began).replace(/\.\d+$/, "")} (${ago(began, now)})`,
          ],
          ["For", duration(Math.max((alert.resolved_at ?? now * 1e6) - began, 0))],
          ...(alert.acknowledged_at === null
            ? []
            : ([
                ["Acknowledged by", harmless(`${alert.acknowledged_by ?? ""}, ${ago(alert.acknowledged_at, now)}`)],
              ] as const)),
          ...(alert.note === "" ? [] : ([["Note", harmless(alert.note)]] as const)),
          ...(alert.resolved_at === null
            ? []
            : ([
                ["Resolved", clock(alert.resolved_at).replace(/\.\d+$/, "")],
                ["Because", harmless([alert.resolved_by, reasonOf(alert.reason)].filter(Boolean).join(": "))],
              ] as const)),
          [
            "Rule",
            <Link key="rule" href={ruleHref(alert.rule_id)}>
              {alert.rule_id}
            </Link>,
          ],
          ["Labels", <LabelsOf key="labels" labels={alert.labels} />],
          [
            "Alert",
            <span key="id" className="mono">
              {alert.id} <Copy text={alert.id} label="Copy the id" />
            </span>,
          ],
          ...others.map(([name = "", value = ""]) => [harmless(name), harmless(value)] as const),
        ]}
      />
    </Panel>
  );
}

/** What the rule's records of the alert's time are. */
function Evidence({ alert, rule }: { alert: Alert; rule: Rule }) {
  const [parameters] = useSearchParams();
  const nowNs = Math.ceil((useNow(30_000) * 1e6) / ROUND_NS) * ROUND_NS;
  const own = around(alert, rule.definition, nowNs);
  const [from, to] = [parameters.get("start"), parameters.get("end")].map((text) => Date.parse(text ?? "") * 1e6);
  const isZoomed = from !== undefined && to !== undefined && from < to;
  const [startNs, endNs] = isZoomed ? [from, to] : own;
  const wanted = behind(rule.definition, alert);
  const time = { start: rfc3339(startNs), end: rfc3339(endNs) };
  const ofTime = (page: string, filter: string): string =>
    `/${page}?${new URLSearchParams({ ...time, ...where(filter) }).toString()}`;
  const slow =
    alert.unit === "ns" && wanted?.page === "calls" ? (/duration > \S+$/.exec(wanted.filter)?.[0] ?? "") : "";
  return (
    <>
      <Value alert={alert} definition={rule.definition} startNs={startNs} endNs={endNs} />
      <Group gap="xs">
        {wanted !== null && wanted.page !== "calls" && (
          <Button component={Link} href={ofTime(wanted.page, wanted.filter)} size="xs" variant="default">
            {wanted.title}
          </Button>
        )}
        {wanted?.page !== "traces" && (
          <Button component={Link} href={ofTime("traces", slow)} size="xs" variant="default">
            {slow === "" ? "Traces of its time" : "Slow traces of its time"}
          </Button>
        )}
        <Button component={Link} href={ofTime("logs", "")} size="xs" variant="default">
          Logs of its time
        </Button>
      </Group>
      {wanted?.page === "calls" && (
        <Behind wanted={wanted} isOfMoney={alert.unit === "usd_nanos"} startNs={startNs} endNs={endNs} />
      )}
    </>
  );
}
