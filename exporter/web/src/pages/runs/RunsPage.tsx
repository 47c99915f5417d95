import { Tabs } from "@mantine/core";
import { useSearchParams } from "wouter";

import { Page } from "../../core/ui/Page";
import { changed } from "../../core/url";
import { ServiceMap } from "./ServiceMap";
import { AGENTS, TOOLS, Work } from "./Work";
import { Workflows } from "./Workflows";

const TABS = [
  ["workflows", "Workflows", <Workflows key="workflows" />],
  ["agents", "Agents", <Work key="agents" kind={AGENTS} />],
  ["tools", "Tools", <Work key="tools" kind={TOOLS} />],
  ["map", "Service map", <ServiceMap key="map" />],
] as const;
const STANDARD = "workflows";

/** A tab for each kind of work; filters are of one kind, so another tab begins without. */
export function RunsPage() {
  const [parameters, setParameters] = useSearchParams();
  const asked = parameters.get("tab") ?? STANDARD;
  const tab = TABS.some(([key]) => key === asked) ? asked : STANDARD;
  return (
    <Page title="Agents & workflows">
      <Tabs
        value={tab}
        keepMounted={false}
        onChange={(next) => {
          setParameters((before) =>
            changed(before, { tab: next === STANDARD ? null : next, filter: null, status: null, sort: null }),
          );
        }}
      >
        <Tabs.List mb="md">
          {TABS.map(([key, title]) => (
            <Tabs.Tab key={key} value={key}>
              {title}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {TABS.map(([key, , view]) => (
          <Tabs.Panel key={key} value={key}>
            {view}
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  );
}
