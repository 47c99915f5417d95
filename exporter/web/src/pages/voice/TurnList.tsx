/** Turns, the latest first. */

import { duration, usd } from "../../core/format";
import type { Listed } from "../../core/listed";
import { Empty } from "../../core/ui/Empty";
import { Sent } from "../../core/ui/Sent";
import { Status } from "../../core/ui/Status";
import type { Column } from "../../core/ui/Table";
import { When, WHEN_WIDTH } from "../runs/cells";
import { List } from "../runs/List";
import { nanos } from "../runs/rows";
import { Stack } from "./Parts";
import { heightOf, partsOf, percentile, type Turn } from "./turns";

export function TurnList(props: {
  listed: Listed<unknown>;
  turns: readonly Turn[] | undefined;
  thresholdNs: number | null;
  selected: string;
  onOpen: (turn: Turn) => void;
  onAway: (isAway: boolean) => void;
}) {
  const { listed, turns, thresholdNs, selected, onOpen, onAway } = props;
  const most = percentile(turns?.map(heightOf) ?? [], 0.98) ?? 1;
  return (
    <List
      title="Turns"
      listed={listed}
      rows={turns}
      columns={columns(most, thresholdNs)}
      rowKey={(turn) => turn.span_id}
      onOpen={onOpen}
      selected={selected}
      onAway={onAway}
      empty={<Empty title="No turn is like that">Take away the filter, or look at a longer time.</Empty>}
    />
  );
}

const columns = (most: number, thresholdNs: number | null): readonly Column<Turn>[] => [
  {
    key: "began",
    title: "Began",
    width: WHEN_WIDTH,
    cell: (turn) => <When ns={nanos(turn.start_time)} />,
    sort: (turn) => turn.start_time,
  },
  { key: "call", title: "Call", width: "120px", from: 1200, cell: (turn) => <Sent text={turn.call_id} isQuiet /> },
  {
    key: "turn",
    title: "Turn",
    align: "right",
    width: "58px",
    from: 480,
    cell: (turn) => turn.turn_number ?? "–",
    sort: (turn) => turn.turn_number,
  },
  {
    key: "silence",
    title: "Silence",
    align: "right",
    width: "100px",
    cell: (turn) => <Silence ns={turn.heard_silence_ns} thresholdNs={thresholdNs} />,
    sort: (turn) => turn.heard_silence_ns,
  },
  {
    key: "parts",
    title: "Where it went",
    cell: (turn) => <Stack parts={partsOf(turn)} most={Math.max(most, heightOf(turn), 1)} />,
  },
  {
    key: "stt",
    title: "STT",
    align: "right",
    width: "84px",
    from: 768,
    cell: (turn) => duration(turn.stt_latency_ns),
    sort: (turn) => turn.stt_latency_ns,
  },
  {
    key: "llm",
    title: "LLM",
    align: "right",
    width: "84px",
    from: 768,
    cell: (turn) => duration(turn.llm_time_to_first_token_ns),
    sort: (turn) => turn.llm_time_to_first_token_ns,
  },
  {
    key: "tts",
    title: "TTS",
    align: "right",
    width: "84px",
    from: 768,
    cell: (turn) => duration(turn.tts_time_to_first_byte_ns),
    sort: (turn) => turn.tts_time_to_first_byte_ns,
  },
  {
    key: "end",
    title: "End",
    width: "138px",
    from: 480,
    cell: (turn) => <End turn={turn} />,
    sort: (turn) => Number(turn.failed) * 2 + Number(turn.interrupted),
  },
  {
    key: "cost",
    title: "Cost",
    align: "right",
    width: "88px",
    from: 1200,
    cell: (turn) => usd(turn.cost_usd === null ? null : turn.cost_usd * 1e9),
    sort: (turn) => turn.cost_usd,
  },
];

/** How long; a sign says that it is above the threshold. */
export function Silence({ ns, thresholdNs }: { ns: number | null; thresholdNs: number | null }) {
  const isOver = ns !== null && thresholdNs !== null && ns > thresholdNs;
  return (
    <span className={isOver ? "warn" : undefined} title={isOver ? `above ${duration(thresholdNs)}` : undefined}>
      {isOver && "▲ "}
      {duration(ns)}
    </span>
  );
}

/** How a turn ended. */
export function End({ turn }: { turn: Turn }) {
  if (turn.failed) return <Status state="failed" />;
  return turn.interrupted === true ? <Status state="warning" label="interrupted" /> : <Status state="ok" />;
}
