/** Moments within a span, and spans that it points to. */

import { Link, useSearchParams } from "wouter";

import { duration, harmless } from "../../../core/format";
import { withRange } from "../../../core/url";
import { Attributes } from "./Attributes";
import classes from "./Pane.module.css";
import type { SpanEvent, SpanLink } from "./whole";

const TRACE = "exception.stacktrace";

export function Events({ events, startNs }: { events: readonly SpanEvent[]; startNs: number }) {
  return (
    <ol className={classes["events"]}>
      {events.map((event, at) => {
        const { [TRACE]: stack, ...others } = event.attributes;
        return (
          <li key={at} className={classes["event"]}>
            <div className={classes["partHead"]}>
              <h3>{harmless(event.name)}</h3>
              <span className="quiet">+{duration(event.timeNs - startNs)}</span>
            </div>
            {Object.keys(others).length > 0 && <Attributes title="Attributes" attributes={others} />}
            {stack !== undefined && stack !== null && (
              // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, and must be reached by keyboard
              <pre className={classes["stack"]} tabIndex={0} role="region" aria-label="Stack trace">
                {harmless(stack)}
              </pre>
            )}
          </li>
        );
      })}
    </ol>
  );
}

export function Links({ links }: { links: readonly SpanLink[] }) {
  const [parameters] = useSearchParams();
  return (
    <ol className={classes["events"]}>
      {links.map(({ traceId, spanId, attributes }, at) => (
        <li key={at} className={classes["event"]}>
          <Link
            className="mono"
            href={withRange(`/traces/${encodeURIComponent(traceId)}?span=${encodeURIComponent(spanId)}`, parameters)}
          >
            {traceId.slice(0, 12)}… / {spanId}
          </Link>
          {Object.keys(attributes).length > 0 && <Attributes title="Attributes" attributes={attributes} />}
        </li>
      ))}
    </ol>
  );
}
