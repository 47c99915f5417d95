/** A server that nothing was sent to yet: how to send the first span. It turns into the overview when that comes. */

import { Tabs, Text } from "@mantine/core";

import { Page, Panel } from "../../core/ui/Page";
import { Snippet } from "../../core/ui/Snippet";
import { useParam } from "../../core/url";
import classes from "./overview.module.css";

const GRPC = 4317;
const HTTP = 4318;

export function Welcome() {
  const [way, setWay] = useParam("send", "python");
  const host = location.hostname;
  const http = `http://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${HTTP}`;
  return (
    <Page title="Overview">
      <div className={classes["welcome"]}>
        <Panel title="Send the first span">
          <div className={classes["waiting"]} role="status">
            <span className={classes["pulse"]} aria-hidden />
            <span>Waiting for the first span. This page turns into the overview by itself when it comes.</span>
          </div>
          <Tabs
            value={way}
            onChange={(value) => {
              setWay(value ?? "python");
            }}
            mt="md"
          >
            <Tabs.List mb="sm">
              <Tabs.Tab value="python">Python</Tabs.Tab>
              <Tabs.Tab value="otel">Any OpenTelemetry SDK</Tabs.Tab>
              <Tabs.Tab value="tools">Tools and frameworks</Tabs.Tab>
              <Tabs.Tab value="demo">Nothing at hand</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="python">
              <Say>Two lines at the start of your program; every library that can be is traced.</Say>
              <Snippet
                text={`import otel_ax\notel_ax.configure(service_name="my-app", endpoint="${http}", auto=True)`}
              />
              <Say>Or without a change to the program, by a command that comes with the server:</Say>
              <Snippet text="ax run -- python app.py" />
            </Tabs.Panel>
            <Tabs.Panel value="otel">
              <Say>Every SDK of OpenTelemetry reads these variables, in any language:</Say>
              <Snippet
                text={`export OTEL_EXPORTER_OTLP_ENDPOINT=${http}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`}
              />
              <Say>
                With gRPC the port is {GRPC}. Where the server listens elsewhere, it has printed so when it started.
              </Say>
            </Tabs.Panel>
            <Tabs.Panel value="tools">
              <Say>
                Claude Code, Codex, LangChain, Pipecat, a Collector and more: this lists them, and what each needs.
              </Say>
              <Snippet text="ax connect" />
            </Tabs.Panel>
            <Tabs.Panel value="demo">
              <Say>A made-up help desk, with agents, workflows and phone calls, on a server of its own:</Say>
              <Snippet text="ax demo" />
              <Say>Where this server holds the default ports, the demo takes others:</Say>
              <Snippet text="ax demo --grpc localhost:0 --http localhost:0 --ui localhost:0" />
            </Tabs.Panel>
          </Tabs>
        </Panel>
      </div>
    </Page>
  );
}

function Say({ children }: { children: React.ReactNode }) {
  return (
    <Text size="sm" className="quiet" my="xs">
      {children}
    </Text>
  );
}
