/** Alerts: what fires and fired, the rules that watch, and what nobody is told of. */

import { Tabs } from "@mantine/core";
import { useMemo } from "react";
import { Route, Switch, useSearchParams } from "wouter";

import { useAsk } from "../../core/ask";
import { useNow } from "../../core/now";
import { duration, whole } from "../../core/format";
import { Page, Panel } from "../../core/ui/Page";
import { Stat, Stats } from "../../core/ui/Stat";
import { useParam, useRange, withRange } from "../../core/url";
import { Active } from "./Active";
import classes from "./Alerts.module.css";
import { AlertPage } from "./AlertPage";
import { ruleHref, partsOf } from "./asked";
import { History } from "./History";
import { NewRule } from "./NewRule";
import { RulePage } from "./RulePage";
import { Rules } from "./Rules";
import { Silences } from "./Silences";
import { firedOf, lanes } from "./spans";
import { Timeline } from "./Timeline";

const TABS = { active: "Active", history: "History", rules: "Rules", silences: "Silences" } as const;
const MOST = 500;
const TICK_MS = 5_000;

export default function Alerts() {
  return (
    <Switch>
      <Route path="/alerts/rules/new" component={NewRule} />
      <Route path="/alerts/rules/:group/:name">
        {({ group, name }) => <RulePage key={`${group}/${name}`} group={group} name={name} />}
      </Route>
      <Route path="/alerts/:id">{({ id }) => <AlertPage key={id} id={id} />}</Route>
      <Route component={Lists} />
    </Switch>
  );
}

function Lists() {
  const [tab, setTab] = useParam("tab", "active", { push: true });
  const nowNs = useNow(TICK_MS) * 1e6;
  return (
    <Page title="Alerts">
      <Tabs
        value={tab in TABS ? tab : "active"}
        onChange={(value) => {
          setTab(value ?? "active");
        }}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          {Object.entries(TABS).map(([value, label]) => (
            <Tabs.Tab key={value} value={value}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="active" className={classes["lists"] ?? ""}>
          <div className={classes["counts"]}>
            <Counts />
          </div>
          <Active nowNs={nowNs} />
          <Fired nowNs={nowNs} />
        </Tabs.Panel>
        <Tabs.Panel value="history" className={classes["lists"] ?? ""}>
          <Fired nowNs={nowNs} />
          <History />
        </Tabs.Panel>
        <Tabs.Panel value="rules" className={classes["lists"] ?? ""}>
          <Rules nowNs={nowNs} />
        </Tabs.Panel>
        <Tabs.Panel value="silences">
          <Silences nowNs={nowNs} />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function Counts() {
  const { data, isLoading } = useAsk("/api/alerts/stats", {}, { follow: ["alerts"], everyMs: 30_000 });
  const inState = (state: string): number =>
    data?.counts.filter((one) => one.state === state).reduce((sum, { alerts }) => sum + alerts, 0) ?? 0;
  return (
    <Stats>
      <Stat label="Firing" value={whole(inState("firing"))} isLoading={isLoading} />
      <Stat label="Acknowledged" value={whole(inState("acknowledged"))} isLoading={isLoading} />
      <Stat label="Pending" value={whole(inState("pending"))} isLoading={isLoading} />
      <Stat label="Fired in 24 h" value={whole(data?.fired)} isLoading={isLoading} />
      <Stat label="Resolved in 24 h" value={whole(data?.resolved)} isLoading={isLoading} />
      <Stat label="Mean time to resolve, 24 h" value={duration(data?.mean_resolve_ns)} isLoading={isLoading} />
    </Stats>
  );
}

/** When rules fired within the page's time. */
function Fired({ nowNs }: { nowNs: number }) {
  const range = useRange();
  const [parameters] = useSearchParams();
  const { data } = useAsk("/api/alerts", { query: { limit: MOST } }, { follow: ["alerts"] });
  const [startNs, endNs] =
    "start" in range.query
      ? [Date.parse(range.query.start) * 1e6, Date.parse(range.query.end) * 1e6]
      : [nowNs - range.ns, nowNs];
  const found = useMemo(
    () =>
      lanes(firedOf(data?.items ?? []), startNs, endNs).map((lane) => ({
        ...lane,
        label: partsOf(lane.key)[1].replace("budget/", "budget "),
        href: withRange(ruleHref(lane.key), parameters),
      })),
    [data, startNs, endNs, parameters],
  );
  if (found.length === 0) return null;
  return (
    <Panel
      title="When they fired"
      actions={data?.next_cursor ? <span className="quiet">of the {MOST} latest alerts</span> : undefined}
    >
      <Timeline lanes={found} startNs={startNs} endNs={endNs} />
    </Panel>
  );
}
