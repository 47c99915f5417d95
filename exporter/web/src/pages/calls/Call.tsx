/** One LLM call: what was said, how long it took, what it cost and why, and where it belongs. */

import { Button } from "@mantine/core";
import { IconArrowLeft, IconRoute } from "@tabler/icons-react";
import { Link, useSearchParams } from "wouter";

import { useAsk } from "../../core/ask";
import { clock, count, duration, harmless, usd } from "../../core/format";
import { Failure } from "../../core/ui/Failure";
import { Loading } from "../../core/ui/Loading";
import { Page, Panel } from "../../core/ui/Page";
import { Copy } from "../../core/ui/Snippet";
import { Stat, Stats } from "../../core/ui/Stat";
import { Status } from "../../core/ui/Status";
import { withRange } from "../../core/url";
import { About, Attributes } from "./About";
import { BillOf } from "./BillOf";
import classes from "./calls.module.css";
import { Dialogue } from "./Dialogue";
import { shortError, spanPath, startNs, type WholeCall } from "./rows";

export function Call({ span }: { span: string }) {
  const [parameters] = useSearchParams();
  const trace = parameters.get("trace");
  const asked = useAsk("/api/llm-calls/{span}", { path: { span }, query: trace === null ? {} : { trace } });
  const call = asked.data as WholeCall | undefined;
  const back = (
    <Button
      component={Link}
      href={withRange("/calls", parameters)}
      size="xs"
      variant="default"
      leftSection={<IconArrowLeft size={14} aria-hidden />}
    >
      LLM calls
    </Button>
  );
  if (asked.error !== null)
    return (
      <Page title="LLM call" actions={back}>
        <Failure error={asked.error} again={asked.again} />
      </Page>
    );
  if (call === undefined)
    return (
      <Page title="LLM call" actions={back}>
        <Loading height={420} />
      </Page>
    );
  return (
    <Page
      title={harmless(call.model ?? call.operation ?? "LLM call")}
      actions={
        <>
          {back}
          <Button
            component={Link}
            href={withRange(spanPath(call), parameters)}
            size="xs"
            leftSection={<IconRoute size={14} aria-hidden />}
          >
            Open in its trace
          </Button>
        </>
      }
    >
      <div className={classes["line"]}>
        <Status state={call.failed ? "failed" : "ok"} />
        <span className="quiet">
          {harmless([call.operation, call.provider].filter(Boolean).join(" · "))} · {clock(startNs(call))}
        </span>
        <span className={`mono quiet ${classes["id"] ?? ""}`}>
          {call.span_id}
          <Copy text={call.span_id} label="Copy the span's id" />
        </span>
      </div>
      {call.failed && (
        <p className={`bad ${classes["failure"] ?? ""}`} role="note">
          <strong>{harmless(shortError(call.error_type ?? "It failed"))}</strong> {harmless(call.status_message ?? "")}
        </p>
      )}
      <Figures call={call} />
      <div className={classes["two"]}>
        <div className={classes["side"]}>
          <Dialogue call={call} />
          <Attributes call={call} />
        </div>
        <div className={classes["side"]}>
          <Panel title="Why it cost that">
            <BillOf span={call.span_id} trace={call.trace_id} />
          </Panel>
          <About call={call} />
        </div>
      </div>
    </Page>
  );
}

function Figures({ call }: { call: WholeCall }) {
  const first = call.time_to_first_chunk_ns;
  const writing = (call.duration_ns - (first ?? 0)) / 1e9;
  const speed = call.tokens_output && writing > 0 ? call.tokens_output / writing : null;
  const spoken = call.speech_seconds ?? call.speech_characters;
  return (
    <Stats>
      <Stat label="Duration" value={duration(call.duration_ns)} />
      <Stat label="Time to first chunk" value={duration(first)} note={first === null ? "not told" : undefined} />
      {spoken === null ? (
        <>
          <Stat
            label="Tokens in"
            value={count(call.tokens_input)}
            note={call.tokens_cache_read ? `${count(call.tokens_cache_read)} from the cache` : undefined}
          />
          <Stat
            label="Tokens out"
            value={count(call.tokens_output)}
            note={speed === null ? undefined : `${count(Math.round(speed))} a second`}
          />
        </>
      ) : (
        <Stat
          label="Speech"
          value={call.speech_seconds === null ? count(spoken) : duration(call.speech_seconds * 1e9)}
          note={call.speech_seconds === null ? "characters" : "of audio"}
        />
      )}
      <Stat
        label="Cost"
        value={usd(call.cost_nanos)}
        note={call.unpriced === null ? undefined : harmless(call.unpriced)}
      />
    </Stats>
  );
}
