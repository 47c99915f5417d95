/** Numbers over time: lines, areas or stacked bars; a drag across zooms the page's range in. */

import { useComputedColorScheme } from "@mantine/core";
import { useResizeObserver } from "@mantine/hooks";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";

import { SERIES } from "../../theme";
import { clock, measured } from "../format";
import { axes, marks, type Mark } from "./draw";
import { Legend } from "./Legend";
import { stacked } from "./stack";
import classes from "./TimeChart.module.css";

export interface Line {
  label: string;
  /** One for each time; null where there is none, undefined where the line goes on to the next. */
  values: readonly (number | null | undefined)[];
  /** A CSS colour; else that of its place. */
  color?: string;
  dash?: readonly [number, number];
  /** The label of the line down to which it is filled: the other edge of a band. */
  downTo?: string;
  /** What the legend says while nobody points; else the sum of bars, and of lines the last value. */
  atRest?: number;
}

export interface TimeChartProps {
  /** What it shows, for those who hear it. */
  label: string;
  /** Unix nanoseconds, ascending. */
  times: readonly number[];
  lines: readonly Line[];
  /** As `measured` takes it. */
  unit: string;
  kind?: "line" | "area" | "bars";
  /** Lines stand on one another. */
  isStacked?: boolean;
  height?: number;
  /** The least and the most time shown, Unix nanoseconds; else those of `times`. */
  span?: readonly [number, number] | undefined;
  /** Moments and levels drawn across. */
  marked?: readonly Mark[];
  onZoom?: ((startNs: number, endNs: number) => void) | undefined;
  /** Charts of one name show the same moment. */
  sync?: string;
  /** In the legend's place; `at` is the moment pointed at, as a place in `times`. */
  legend?: (at: number | null) => ReactNode;
}

const NONE: readonly Mark[] = [];

export function TimeChart(props: TimeChartProps) {
  const {
    label,
    times,
    lines,
    unit,
    kind = "line",
    isStacked = false,
    height = 180,
    span,
    marked = NONE,
    onZoom,
    sync = "page",
    legend,
  } = props;
  const scheme = useComputedColorScheme("light");
  const [measure, { width }] = useResizeObserver<HTMLDivElement>();
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const zoom = useRef(onZoom);
  const [at, setAt] = useState<number | null>(null);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => {
    zoom.current = onZoom;
  });

  const colors = lines.map((line, index) => line.color ?? SERIES[scheme][index % SERIES[scheme].length] ?? "gray");
  const seen = lines
    .map((line, index) => ({ ...line, color: colors[index] ?? "gray" }))
    .filter((line) => !hidden.has(line.label));
  // Of a stack the uppermost is drawn first, since each reaches down to the ground.
  const shown = isStacked ? seen.toReversed() : seen;
  const data = useMemo(
    () =>
      [
        times.map((ns) => ns / 1e9),
        ...(isStacked ? stacked(seen.map((line) => line.values)).reverse() : seen.map((line) => [...line.values])),
      ] as uPlot.AlignedData,
    // oxlint-disable-next-line react/exhaustive-deps -- `seen` is made of these
    [times, lines, isStacked, hidden],
  );
  const look = JSON.stringify([
    scheme,
    kind,
    isStacked,
    unit,
    height,
    sync,
    marked,
    shown.map(({ label, color, dash, downTo }) => [label, color, dash, downTo]),
  ]);

  useEffect(() => {
    if (place.current === null || width === 0) return undefined;
    const bars = uPlot.paths.bars?.({ size: [0.82, 60], gap: 1, align: 1 });
    const made = new uPlot(
      {
        width,
        height,
        series: [
          {},
          ...shown.map((line) => ({
            label: line.label,
            stroke: line.color,
            width: kind === "bars" ? 0 : 1.6,
            points: { show: times.length === 1 },
            ...(line.dash ? { dash: [...line.dash] } : {}),
            ...(kind === "bars" ? { fill: line.color, ...(bars ? { paths: bars } : {}) } : {}),
            ...(kind === "area"
              ? { fill: `color-mix(in srgb, ${line.color} ${isStacked ? 45 : 14}%, transparent)` }
              : {}),
          })),
        ],
        bands: isStacked
          ? shown.slice(1).map((_, index) => ({ series: [index + 1, index + 2] as [number, number] }))
          : bandsOf(shown),
        axes: axes(unit, scheme),
        scales: { x: { time: true }, y: { range: (_, low, high) => [Math.min(low, 0), high > 0 ? high * 1.08 : 1] } },
        legend: { show: false },
        cursor: {
          sync: { key: sync },
          drag: { x: zoom.current !== undefined, y: false, setScale: false },
          points: { size: 6 },
        },
        hooks: {
          setCursor: [
            (one) => {
              setAt(one.cursor.idx ?? null);
            },
          ],
          setSelect: [
            (one) => {
              const { left, width: wide } = one.select;
              if (wide < 4) return;
              zoom.current?.(one.posToVal(left, "x") * 1e9, one.posToVal(left + wide, "x") * 1e9);
              one.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
          draw: [
            (one) => {
              marks(one, marked, scheme);
            },
          ],
        },
      },
      data,
      place.current,
    );
    chart.current = made;
    return () => {
      chart.current = null;
      made.destroy();
    };
    // oxlint-disable-next-line react/exhaustive-deps -- its look makes a chart anew; its data and width are set below
  }, [look, width === 0]);

  useEffect(() => {
    chart.current?.setSize({ width, height });
  }, [width, height]);
  const [low, high] = span ?? [];
  useEffect(() => {
    const made = chart.current;
    if (made === null) return;
    made.setData(data, false);
    const seconds = data[0];
    const first = low !== undefined ? low / 1e9 : (seconds[0] ?? 0);
    // A bar stands behind the moment at which its bucket begins.
    const behind = kind === "bars" ? (seconds[1] ?? 0) - (seconds[0] ?? 0) : 0;
    const last = high !== undefined ? high / 1e9 : (seconds.at(-1) ?? 1) + behind;
    made.setScale("x", { min: first, max: last > first ? last : first + 1 });
  }, [data, low, high, kind, look, width]);

  const atRest = kind === "bars" ? sumOf : lastOf;
  const moment = at === null ? undefined : times[at];
  return (
    <figure className={classes["figure"]} aria-label={label}>
      <div ref={measure} className={classes["measure"]}>
        <div ref={place} className={classes["place"]} style={{ height }} />
      </div>
      {legend !== undefined ? (
        <figcaption>{legend(at)}</figcaption>
      ) : (
        <Legend
          lines={lines.map((line, index) => ({
            label: line.label,
            color: colors[index] ?? "gray",
            value: measured(at === null ? (line.atRest ?? atRest(line.values)) : line.values[at], unit),
            isHidden: hidden.has(line.label),
          }))}
          moment={moment === undefined ? null : clock(moment).replace(/\.000$/, "")}
          onToggle={(name) => {
            setHidden((before) => toggled(before, name));
          }}
        />
      )}
    </figure>
  );
}

/** The spaces between lines that are filled, in the colour of the upper one. */
const bandsOf = (shown: readonly (Line & { color: string })[]): uPlot.Band[] =>
  shown.flatMap(({ color, downTo }, index) => {
    const other = shown.findIndex(({ label }) => label === downTo);
    const fill = `color-mix(in srgb, ${color} 16%, transparent)`;
    return other < 0 ? [] : [{ series: [index + 1, other + 1] as [number, number], fill }];
  });

const sumOf = (values: Line["values"]): number => values.reduce<number>((sum, value) => sum + (value ?? 0), 0);

const lastOf = (values: Line["values"]): number | null =>
  values.findLast((value) => value !== null && value !== undefined) ?? null;

function toggled(before: ReadonlySet<string>, name: string): ReadonlySet<string> {
  const after = new Set(before);
  if (!after.delete(name)) after.add(name);
  return after;
}
