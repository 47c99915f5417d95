/** A trace: what it came to, its tree, where the time went, and one span whole beside it. */

import { Button, Drawer } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useCallback, useMemo, useRef, useState } from "react";

import { useAsk } from "../../../core/ask";
import { equals } from "../../../core/complete";
import { useKeys } from "../../../core/keys";
import { useLive } from "../../../core/live";
import { Empty } from "../../../core/ui/Empty";
import { Failure } from "../../../core/ui/Failure";
import { Loading } from "../../../core/ui/Loading";
import { useParam } from "../../../core/url";
import classes from "./Detail.module.css";
import type { Drawn } from "./draw";
import { Head } from "./Head";
import { endOf, outlined, type Trace } from "./outline";
import { criticalPath, type Stretch } from "./path";
import { Pane } from "./Pane";
import { Waterfall } from "./Waterfall";

const RECENT_MS = 600_000;
const RUNNING_MS = 3_000;
/** An answer of many spans is asked for less often. */
const SPAN_MS = 0.5;
const SOONEST_MS = 150;
const NOT_FOUND = 404;

export function Detail({ trace }: { trace: string }) {
  const [openedMs] = useState(() => Date.now());
  const [isRecent, setRecent] = useState(true);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const [spans, setSpans] = useState(0);
  const asked = useAsk(
    "/api/traces/{trace}",
    { path: { trace } },
    isRecent ? { everyMs: RUNNING_MS + spans * SPAN_MS } : {},
  );
  const { data, error, again } = asked;
  // One that began to run long ago and never ended is not waited for; what comes in is told by the channel.
  const runs = data?.spans.some((span) => span.is_running) ?? true;
  const isFresh = data === undefined || (data.start_ns + data.duration_ns) / 1e6 > openedMs - RECENT_MS;
  if (data !== undefined && data.span_count !== spans) setSpans(data.span_count);
  if (isRecent !== (runs && isFresh)) setRecent(runs && isFresh);
  useLive<unknown>(
    isFresh ? { channel: "traces", filter: equals("trace", data?.trace_id ?? trace), limit: 1 } : null,
    (told) => {
      if (told.op !== "change" || timer.current !== undefined) return;
      timer.current = setTimeout(
        () => {
          timer.current = undefined;
          again();
        },
        SOONEST_MS + spans * SPAN_MS,
      );
    },
  );
  if (data !== undefined) return <Loaded key={data.trace_id} trace={data} />;
  if (error?.problem.status === NOT_FOUND)
    return (
      <Empty title="There is no such trace">
        {error.problem.title}. It may not be stored yet, or its retention has passed.
        <br />
        <Button variant="default" size="xs" mt="sm" onClick={again}>
          Look again
        </Button>
      </Empty>
    );
  return error !== null ? <Failure error={error} again={again} /> : <Loading height={480} />;
}

function Loaded({ trace }: { trace: Trace }) {
  const [span, setSpan] = useParam("span");
  const [showsPath, setShowsPath] = useParam("path", "on");
  const isWide = useMediaQuery("(min-width: 1180px)", true, { getInitialValueInEffect: false });
  const outline = useMemo(() => outlined(trace.spans), [trace]);
  const lastNs = trace.start_ns + trace.duration_ns;
  const isPathShown = showsPath === "on";
  const drawn: Drawn = useMemo(() => {
    const path = new Map<number, Stretch[]>();
    for (const stretch of isPathShown ? criticalPath(outline, lastNs) : []) {
      const own = path.get(stretch.place);
      if (own === undefined) path.set(stretch.place, [stretch]);
      else own.push(stretch);
    }
    const services = [...new Set(trace.spans.map((one) => one.service_name))];
    return { outline, startNs: trace.start_ns, lastNs, path, services };
  }, [outline, trace, lastNs, isPathShown]);
  const parts = useRef<HTMLDivElement>(null);
  const close = useCallback(() => {
    setSpan("");
    parts.current?.querySelector<HTMLElement>("[role=treegrid]")?.focus({ preventScroll: true });
  }, [setSpan]);
  useKeys({ Escape: close }, isWide && span !== "");

  const open = span === "" ? undefined : outline.spans[outline.places.get(span) ?? -1];
  const pane =
    open === undefined ? null : (
      <Pane
        key={span}
        trace={trace.trace_id}
        span={open}
        startNs={trace.start_ns}
        endNs={endOf(open, lastNs)}
        onClose={close}
      />
    );
  return (
    <div className={classes["page"]}>
      <Head trace={trace} services={drawn.services} />
      <div className={classes["parts"]} ref={parts}>
        <Waterfall
          drawn={drawn}
          totalNs={Math.max(trace.duration_ns, 1_000)}
          open={span === "" ? null : span}
          onOpen={setSpan}
          isPathShown={isPathShown}
          onPath={(isShown) => {
            setShowsPath(isShown ? "on" : "off");
          }}
        />
        {isWide ? (
          pane !== null && (
            <aside className={`panel ${classes["pane"] ?? ""}`} aria-label="Span">
              {pane}
            </aside>
          )
        ) : (
          <Drawer
            opened={pane !== null}
            onClose={close}
            position="right"
            size="min(100%, 520px)"
            withCloseButton={false}
            padding={0}
            title={undefined}
            aria-label="Span"
          >
            {pane}
          </Drawer>
        )}
      </div>
    </div>
  );
}
