/** What a trace is and came to. */

import { Button, Title, useComputedColorScheme } from "@mantine/core";
import { IconArrowLeft, IconFileText } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Link, useSearchParams } from "wouter";

import { equals } from "../../../core/complete";
import { clock, count, duration, harmless, rfc3339, usd } from "../../../core/format";
import { Copy } from "../../../core/ui/Snippet";
import { Status } from "../../../core/ui/Status";
import { withRange } from "../../../core/url";
import classes from "./Detail.module.css";
import { serviceColor } from "./draw";
import type { Trace } from "./outline";

const MOST_SERVICES = 6;
/** Around a trace, where its logs are looked for. */
const BESIDE_NS = 60e9;

export function Head({ trace, services }: { trace: Trace; services: readonly (string | null)[] }) {
  const scheme = useComputedColorScheme("light");
  const [parameters] = useSearchParams();
  const runs = trace.spans.some((span) => span.is_running);
  const critical = trace.spans.reduce((sum, span) => sum + span.critical_ns, 0);
  const around = new URLSearchParams({
    start: rfc3339(trace.start_ns - BESIDE_NS),
    end: rfc3339(trace.start_ns + trace.duration_ns + BESIDE_NS),
    filter: equals("trace", trace.trace_id),
  });
  return (
    <header>
      <div className={classes["title"]}>
        <div className={classes["name"]}>
          <Button
            component={Link}
            href={withRange("/traces", parameters)}
            variant="default"
            size="compact-xs"
            aria-label="All traces"
            title="All traces"
          >
            <IconArrowLeft size={14} aria-hidden />
          </Button>
          <Title order={1} className="cut" title={harmless(trace.root_name)}>
            {harmless(trace.root_name)}
          </Title>
          {runs && <Status state="running" />}
          {trace.errors > 0 && <Status state="error" label={`${count(trace.errors)} failed`} />}
        </div>
        <Button
          component={Link}
          href={`/logs?${around.toString()}`}
          variant="default"
          size="xs"
          leftSection={<IconFileText size={14} aria-hidden />}
        >
          Logs
        </Button>
      </div>
      <dl className={classes["facts"]}>
        <Fact name="Trace">
          <span className="mono">{trace.trace_id.slice(0, 12)}…</span>{" "}
          <Copy text={trace.trace_id} label="Copy the trace's id" />
        </Fact>
        <Fact name="Start">
          <time dateTime={rfc3339(trace.start_ns)} title={rfc3339(trace.start_ns)}>
            {clock(trace.start_ns)}
          </time>
        </Fact>
        <Fact name="Duration">{duration(trace.duration_ns)}</Fact>
        <Fact name="Spans">
          {count(trace.span_count)}
          {trace.is_truncated && <span className="warn"> (those that began last are left out)</span>}
        </Fact>
        <Fact name="Critical path">{duration(critical)}</Fact>
        {trace.total_tokens > 0 && <Fact name="Tokens">{count(trace.total_tokens)}</Fact>}
        {trace.total_cost_nanos > 0 && <Fact name="Cost">{usd(trace.total_cost_nanos)}</Fact>}
        <Fact name={services.length === 1 ? "Service" : "Services"}>
          {services.slice(0, MOST_SERVICES).map((service) => (
            <span key={service} className={classes["service"]}>
              <span className={classes["swatch"]} style={{ background: serviceColor(services, service, scheme) }} />
              <span className="cut">{harmless(service ?? "unknown")}</span>
            </span>
          ))}
          {services.length > MOST_SERVICES && `+${services.length - MOST_SERVICES}`}
        </Fact>
      </dl>
    </header>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="cut">{children}</dd>
    </div>
  );
}
