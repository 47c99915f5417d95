/** A bar for each turn, the latest at the right: how long the caller heard silence, and where it went. */

import { useResizeObserver } from "@mantine/hooks";
import { type MouseEvent, useState } from "react";

import { levels } from "../../core/chart/draw";
import { clock, count, duration } from "../../core/format";
import { Panel } from "../../core/ui/Page";
import { nanos } from "../runs/rows";
import { Legend } from "./Parts";
import { heightOf, partsOf, percentile, type Turn } from "./turns";
import classes from "./voice.module.css";

const NARROWEST_PX = 7;
const AXIS_PX = 58;
const HEADROOM = 1.12;
/** Turns that took so many times the median do not flatten all others. */
const MOST_MEDIANS = 5;

export function SilenceChart(props: {
  turns: readonly Turn[];
  thresholdNs: number | null;
  selected: string;
  onOpen: (turn: Turn) => void;
}) {
  const { turns, thresholdNs, selected, onOpen } = props;
  const [measure, { width }] = useResizeObserver<HTMLDivElement>();
  const [at, setAt] = useState<string | null>(null);
  const fitting = Math.max(Math.floor((width - AXIS_PX) / NARROWEST_PX), 0);
  const shown = turns.slice(0, fitting).reverse();
  const heights = shown.map(heightOf);
  const median = percentile(heights, 0.5) ?? 0;
  const top =
    Math.max(Math.min(Math.max(...heights, 1), median * MOST_MEDIANS || Infinity), thresholdNs ?? 0) * HEADROOM;
  const share = (ns: number): string => `${Math.min(ns / top, 1) * 100}%`;
  const pointed = shown.find((turn) => turn.span_id === at);
  const over = thresholdNs === null ? 0 : turns.filter((turn) => (turn.heard_silence_ns ?? 0) > thresholdNs).length;
  const turnOf = (event: MouseEvent): Turn | undefined => {
    const key = (event.target as Element).closest<HTMLElement>("[data-turn]")?.dataset["turn"];
    return shown.find((turn) => turn.span_id === key);
  };
  return (
    <Panel title="Silence that the caller heard, turn by turn">
      <div ref={measure} className={classes["plot"]}>
        <div className={classes["levels"]} aria-hidden>
          {levels(0, top, "ns").map((level) => (
            <div key={level} className={classes["level"]} style={{ bottom: share(level) }}>
              <span>{duration(level)}</span>
            </div>
          ))}
        </div>
        {/* The table below tells the same, and opens turns by keyboard. */}
        {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions, jsx-a11y/click-events-have-key-events */}
        <div
          className={classes["bars"]}
          role="img"
          aria-label={`The last ${count(shown.length)} turns; ${count(over)} of ${count(turns.length)} above the threshold`}
          onMouseMove={(event) => {
            setAt(turnOf(event)?.span_id ?? null);
          }}
          onMouseLeave={() => {
            setAt(null);
          }}
          onClick={(event) => {
            const turn = turnOf(event);
            if (turn !== undefined) onOpen(turn);
          }}
        >
          {shown.map((turn) => (
            <div
              key={turn.span_id}
              className={classes["turn"]}
              data-turn={turn.span_id}
              data-at={turn.span_id === at || undefined}
              data-selected={turn.span_id === selected || undefined}
            >
              {partsOf(turn).map(({ key, ns }) => (
                <span key={key} className={classes[key]} style={{ height: share(ns) }} />
              ))}
            </div>
          ))}
        </div>
        {thresholdNs !== null && (
          <div className={classes["levels"]} aria-hidden>
            <div className={classes["level"]} data-threshold style={{ bottom: share(thresholdNs) }}>
              <span>threshold {duration(thresholdNs)}</span>
            </div>
          </div>
        )}
      </div>
      <Legend {...(pointed === undefined ? {} : { parts: partsOf(pointed) })} />
      <div className="quiet" style={{ fontSize: "var(--mantine-font-size-xs)", minHeight: 18 }}>
        {pointed === undefined
          ? `The last ${count(shown.length)} turns, the latest at the right`
          : `${clock(nanos(pointed.start_time))} · turn ${count(pointed.turn_number)} · silence ${duration(pointed.heard_silence_ns)}`}
      </div>
    </Panel>
  );
}
