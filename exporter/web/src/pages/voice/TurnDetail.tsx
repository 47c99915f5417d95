/** One turn: what happened in it, in time, and what was said of it. */

import { Drawer, Stack as Below, Title } from "@mantine/core";
import { Link, useSearchParams } from "wouter";

import { equals } from "../../core/complete";
import { useAsk } from "../../core/ask";
import { clock, count, digits, duration, harmless, rfc3339, usd } from "../../core/format";
import { Fact, Facts } from "../../core/ui/Facts";
import { Failure } from "../../core/ui/Failure";
import { Loading } from "../../core/ui/Loading";
import { Sent } from "../../core/ui/Sent";
import { withRange } from "../../core/url";
import { filteredPath, spanPath } from "../runs/paths";
import { nanos, rowsOf } from "../runs/rows";
import { Legend, Stack } from "./Parts";
import { End, Silence } from "./TurnList";
import { heightOf, partsOf, type Turn } from "./turns";
import { type Lane, waterfall } from "./waterfall";
import classes from "./voice.module.css";

/** A link to a turn finds it for so long. */
const BACK = "30d";
const HOUR_NS = 3_600e9;

export interface Opened {
  span: string;
  turn: Turn | undefined;
}

export function TurnDetail(props: { opened: Opened; thresholdNs: number | null; onClose: () => void }) {
  const { opened, thresholdNs, onClose } = props;
  const asked = useAsk(
    "/api/voice-turns",
    opened.span !== "" && opened.turn === undefined
      ? { query: { range: BACK, filter: equals("span", opened.span), limit: 1 } }
      : null,
  );
  const turn = opened.turn ?? (asked.isOld ? undefined : rowsOf<Turn>(asked.data)?.[0]);
  return (
    <Drawer
      opened={opened.span !== ""}
      onClose={onClose}
      position="right"
      size="xl"
      title={turn === undefined ? "Voice turn" : `Turn ${count(turn.turn_number)} · ${clock(nanos(turn.start_time))}`}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {turn !== undefined && <Body turn={turn} thresholdNs={thresholdNs} />}
      {turn === undefined && asked.error !== null && <Failure error={asked.error} again={asked.again} />}
      {turn === undefined && asked.isLoading && <Loading />}
      {turn === undefined && asked.data?.items.length === 0 && <p>There is no such turn in the last {BACK}.</p>}
    </Drawer>
  );
}

function Body({ turn, thresholdNs }: { turn: Turn; thresholdNs: number | null }) {
  const [parameters] = useSearchParams();
  const trace = useAsk("/api/traces/{trace}", { path: { trace: turn.trace_id } });
  const parts = partsOf(turn);
  const links: readonly (readonly [string, string])[] = [
    ["Its trace", spanPath(turn.trace_id, turn.span_id)],
    ["All turns of the call", filteredPath("/voice", "call", turn.call_id)],
    ...(turn.conversation_id === null
      ? []
      : ([["The conversation", `/conversations/${encodeURIComponent(turn.conversation_id)}`]] as const)),
    ["Logs", filteredPath("/logs", "trace", turn.trace_id)],
  ];
  const facts: readonly (readonly [string, React.ReactNode])[] = [
    ["Heard silence", <Silence key="silence" ns={turn.heard_silence_ns} thresholdNs={thresholdNs} />],
    ["End", <End key="end" turn={turn} />],
    ["Whole turn", duration(turn.duration_ns)],
    ["Cost", usd(turn.cost_usd === null ? null : turn.cost_usd * 1e9)],
    ["Call", <Sent key="call" text={turn.call_id} />],
    ["Service", <Sent key="service" text={turn.service_name} />],
    ["User", <Sent key="user" text={turn.user_id} />],
    ...(turn.objective === null ? [] : [["Objective", harmless(turn.objective)] as const]),
    ...(turn.outcome === null ? [] : [["Outcome", harmless(turn.outcome)] as const]),
    ...(turn.failure_reason === null
      ? []
      : [
          [
            "Failed by",
            <span key="reason" className="bad">
              {harmless(turn.failure_reason)}
            </span>,
          ] as const,
        ]),
  ];
  return (
    <Below gap="lg">
      <Facts>
        {facts.map(([name, value]) => (
          <Fact key={name} name={name}>
            {value}
          </Fact>
        ))}
      </Facts>
      <section>
        <Title order={3}>Where the silence went</Title>
        <Below gap={0} mt="xs">
          <Stack parts={parts} most={Math.max(heightOf(turn), 1)} />
          <Legend parts={parts} />
        </Below>
      </section>
      <section>
        <Title order={3} mb="xs">
          In time
        </Title>
        {trace.error !== null && <Failure error={trace.error} again={trace.again} />}
        {trace.data === undefined && trace.error === null && <Loading height={120} />}
        {trace.data?.trace_id === turn.trace_id && <Lanes turn={turn} spans={trace.data.spans} />}
      </section>
      <Scores turn={turn} />
      <nav aria-label="From this turn">
        {links.map(([name, href], at) => (
          <span key={name}>
            {at > 0 && " · "}
            <Link href={withRange(href, parameters)}>{name}</Link>
          </span>
        ))}
      </nav>
    </Below>
  );
}

const FIRST: Readonly<Record<Lane["kind"], string>> = {
  llm: "first token",
  tts: "first byte",
  stt: "",
  tool: "",
  other: "",
};

function Lanes({ turn, spans }: { turn: Turn; spans: Parameters<typeof waterfall>[1] }) {
  const [parameters] = useSearchParams();
  const { lanes, length_ns: length, silence } = waterfall(turn, spans);
  const share = (ns: number): string => `${Math.min(Math.max((ns / length) * 100, 0), 100)}%`;
  if (lanes.length === 0) return <span className="quiet">Its trace tells of no parts.</span>;
  return (
    <>
      <ol className={classes["lanes"]}>
        {lanes.map((lane) => (
          <li key={lane.span_id} className={`${classes["lane"] ?? ""} ${classes[lane.kind] ?? ""}`}>
            <Link
              href={withRange(spanPath(turn.trace_id, lane.span_id), parameters)}
              className="cut"
              title={harmless(lane.name)}
              style={{ paddingLeft: lane.depth * 12 }}
            >
              {lane.failed && <span className="bad">failed: </span>}
              {harmless(lane.name)}
            </Link>
            <span className={classes["track"]}>
              {silence !== null && (
                <span
                  className={classes["silence"]}
                  style={{ left: share(silence.from_ns), width: share(silence.to_ns - silence.from_ns) }}
                />
              )}
              <span
                className={classes["bar"]}
                style={{ left: share(lane.offset_ns), width: share(lane.duration_ns) }}
              />
              {lane.first_ns !== null && (
                <span
                  className={classes["before"]}
                  style={{ left: share(lane.offset_ns), width: share(lane.first_ns - lane.offset_ns) }}
                  title={`${FIRST[lane.kind]} after ${duration(lane.first_ns - lane.offset_ns)}`}
                />
              )}
            </span>
            <span className={classes["end"]}>
              {duration(lane.duration_ns)}
              {lane.first_ns !== null && (
                <span className="unseen">
                  , {FIRST[lane.kind]} after {duration(lane.first_ns - lane.offset_ns)}
                </span>
              )}
            </span>
          </li>
        ))}
      </ol>
      <div className="quiet" style={{ fontSize: "var(--mantine-font-size-xs)", paddingTop: 8 }}>
        Full colour: until the first token or byte.{" "}
        {silence !== null &&
          `Between the dashed lines the caller hears silence: ${duration(turn.heard_silence_ns)}, from ${duration(silence.from_ns)} on.`}
      </div>
    </>
  );
}

interface Evaluation {
  name: string | null;
  score: number | null;
  label: string | null;
  explanation: string | null;
}

/** How it was judged; nothing where nobody did. */
function Scores({ turn }: { turn: Turn }) {
  const asked = useAsk("/api/evaluations", {
    query: {
      start: rfc3339(nanos(turn.start_time) - HOUR_NS),
      filter: equals("trace", turn.trace_id),
      limit: 50,
    },
  });
  const rows = rowsOf<Evaluation>(asked.data) ?? [];
  if (rows.length === 0) return null;
  return (
    <section>
      <Title order={3} mb="xs">
        Evaluations of the call
      </Title>
      <Facts>
        {rows.map((row, at) => (
          <Fact key={at} name={harmless(row.name ?? "score")}>
            {row.score === null ? "–" : digits(row.score)} {row.label !== null && harmless(row.label)}{" "}
            {row.explanation !== null && <span className="quiet">{harmless(row.explanation)}</span>}
          </Fact>
        ))}
      </Facts>
    </section>
  );
}
