/** Voice: how long callers wait for an answer, and why. */

import { useAsk } from "../../core/ask";
import { where } from "../../core/complete";
import { count, duration, ratio, usd } from "../../core/format";
import { useListed } from "../../core/listed";
import { following } from "../../core/range";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { FilterBar } from "../../core/ui/FilterBar";
import { Loading } from "../../core/ui/Loading";
import { Columns, Page, Panel } from "../../core/ui/Page";
import { Stat, Stats } from "../../core/ui/Stat";
import { useParam, useRange } from "../../core/url";
import { useAway } from "../runs/List";
import { Components } from "./Components";
import { type Component, type Latency, ofServer, ofTurns } from "./latency";
import { Rules } from "./Rules";
import { SilenceChart } from "./SilenceChart";
import { TurnDetail } from "./TurnDetail";
import { Silence, TurnList } from "./TurnList";
import { type Summary, summary, type Turn } from "./turns";
import { useWatched } from "./watched";

const MOST = 200;
const SNIPPET = `# Pipecat and LiveKit Agents tell of their turns; this says how:
ax connect pipecat
ax connect livekit

# or tell of your own, in Python:
import otel_ax
otel_ax.configure(service_name="phone")
with otel_ax.voice_call(), otel_ax.voice_turn() as turn:
    with turn.stt("deepgram", "nova-3"): ...
    with turn.llm("openai", "gpt-4o-mini"): ...
    with turn.tts("cartesia", "sonic-3") as speech: speech.first_byte()`;

export default function Index() {
  const range = useRange();
  const [filter] = useParam("filter");
  const [opened, setOpened] = useParam("turn", "", { push: true });
  const [isAway, setAway] = useAway();
  const follow = following(range, "traces");
  const listed = useListed(
    "/api/voice-turns",
    { query: { ...range.query, ...where(filter), limit: MOST } },
    { ...follow, hold: isAway },
  );
  // It knows of no filter of turns; with one, the turns at hand are all that is known.
  const latency = useAsk("/api/latency", filter === "" ? { query: range.query } : null, follow);
  const watched = useWatched();
  const turns = listed.rows as readonly Turn[] | undefined;
  const components =
    filter === "" ? latency.data && ofServer(latency.data.items as readonly Latency[]) : turns && ofTurns(turns);
  const of = listed.hasMore ? `of the last ${count(turns?.length)} turns` : "";
  const open = (turn: Turn): void => {
    setOpened(turn.span_id);
  };
  const hasNone = filter === "" && turns?.length === 0;
  return (
    <Page
      title="Voice"
      filters={<FilterBar subject="turns" placeholder="silence > 1s and interrupted" error={listed.error} />}
    >
      {hasNone ? (
        <Panel>
          <Empty title={`No voice turn in the ${range.label}`} snippet={SNIPPET}>
            Look at a longer time, let <code>ax demo</code> send some, or connect a voice agent:
          </Empty>
        </Panel>
      ) : (
        <>
          <Figures sum={turns && summary(turns)} components={components} thresholdNs={watched.silenceNs} of={of} />
          {turns === undefined ? (
            listed.error === null && <Loading height={240} />
          ) : (
            <SilenceChart turns={turns} thresholdNs={watched.silenceNs} selected={opened} onOpen={open} />
          )}
          <Columns min={430}>
            <div>
              {latency.error !== null && <Failure error={latency.error} again={latency.again} />}
              <Components rows={components} of={filter === "" ? "" : of} />
            </div>
            {watched.isAllowed && <Rules rules={watched.rules} firing={watched.firing} />}
          </Columns>
          <TurnList
            listed={listed}
            turns={turns}
            thresholdNs={watched.silenceNs}
            selected={opened}
            onOpen={open}
            onAway={setAway}
          />
        </>
      )}
      <TurnDetail
        opened={{ span: opened, turn: turns?.find((turn) => turn.span_id === opened) }}
        thresholdNs={watched.silenceNs}
        onClose={() => {
          setOpened("");
        }}
      />
    </Page>
  );
}

function Figures(props: {
  sum: Summary | undefined;
  components: readonly Component[] | undefined;
  thresholdNs: number | null;
  of: string;
}) {
  const { sum, components, thresholdNs, of } = props;
  const isLoading = sum === undefined;
  const silence = components?.find((one) => one.name === "Heard silence");
  const turns = components?.find((one) => one.name === "Whole turn")?.count ?? sum?.turns;
  const calls = components?.find((one) => one.name === "Whole call")?.count ?? sum?.calls;
  return (
    <Stats>
      <Stat
        label="Voice turns"
        value={count(turns)}
        isLoading={turns === undefined}
        note={calls === undefined ? undefined : `in ${count(calls)} calls`}
      />
      <Stat
        label="Heard silence, p50"
        value={<Silence ns={silence?.p50_ns ?? null} thresholdNs={thresholdNs} />}
        isLoading={components === undefined}
      />
      <Stat
        label="Heard silence, p95"
        value={<Silence ns={silence?.p95_ns ?? null} thresholdNs={thresholdNs} />}
        isLoading={components === undefined}
        note={thresholdNs === null ? undefined : `threshold ${duration(thresholdNs)}`}
      />
      <Stat
        label="Interrupted"
        value={ratio(sum && sum.turns > 0 ? sum.interrupted / sum.turns : null)}
        isLoading={isLoading}
        note={sum && (of || `${count(sum.interrupted)} of ${count(sum.turns)} turns`)}
      />
      <Stat
        label="Failed turns"
        value={<span className={sum?.failed ? "bad" : undefined}>{count(sum?.failed)}</span>}
        isLoading={isLoading}
        note={of}
      />
      <Stat
        label="Cost per call"
        value={usd(sum && sum.calls > 0 && sum.cost_nanos !== null ? sum.cost_nanos / sum.calls : null)}
        isLoading={isLoading}
        note={sum && `${usd(sum.cost_nanos)} in ${count(sum.calls)} calls`}
      />
    </Stats>
  );
}
