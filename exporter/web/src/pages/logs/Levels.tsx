/** How many records of each level there are over time; each level is a switch. */

import { Skeleton, useComputedColorScheme } from "@mantine/core";
import { useMemo } from "react";

import { useAsk } from "../../core/ask";
import { TimeChart } from "../../core/chart/TimeChart";
import { clock, count, whole } from "../../core/format";
import { Failure } from "../../core/ui/Failure";
import { following } from "../../core/range";
import { type Range, useParam } from "../../core/url";
import { chosen, type Counted, counted, LEVELS, stepOf, toggled } from "./severity";
import classes from "./logs.module.css";

const HEIGHT = 120;

export function Levels({ range, search, filter }: { range: Range; search: string; filter: string }) {
  const [wanted, setWanted] = useParam("level");
  const scheme = useComputedColorScheme("light");
  const stepS = stepOf(range);
  const said = { ...(search && { search }), ...(filter && { filter }) };
  const { data, error, again } = useAsk(
    "/api/logs/levels",
    { query: { ...range.query, ...said, step: `${stepS}s` } },
    following(range, "logs"),
  );
  const span = useMemo(() => [data?.start_ns ?? 0, data?.end_ns ?? 0] as const, [data]);
  const { times, byLevel, sums } = useMemo(
    () => counted((data?.items ?? []) as Counted[], span[0], span[1], stepS),
    [data, span, stepS],
  );
  const only = useMemo(() => chosen(wanted), [wanted]);
  const lines = useMemo(() => {
    const drawn = LEVELS.filter(({ name }) => sums.has(name) && (only.length === 0 || only.includes(name)));
    return drawn.map(({ name, color }) => ({ label: name, values: byLevel.get(name) ?? [], color: color[scheme] }));
  }, [byLevel, sums, only, scheme]);
  const shown = LEVELS.filter(({ name }) => name !== "none" || sums.has(name) || only.includes(name));

  const legend = (at: number | null) => (
    <div className={classes["levels"]} role="group" aria-label="Levels">
      {shown.map(({ name, color }) => {
        const value = at === null ? (sums.get(name) ?? 0) : (byLevel.get(name)?.[at] ?? 0);
        return (
          <button
            key={name}
            type="button"
            className={classes["level"]}
            aria-pressed={only.includes(name)}
            data-empty={!sums.has(name) || undefined}
            title={`${whole(sums.get(name) ?? 0)} records of the level ${name}`}
            onClick={() => {
              setWanted(toggled(wanted, name));
            }}
          >
            <span className={classes["swatch"]} style={{ background: color[scheme] }} />
            {name}
            <span className={classes["number"]}>{count(value)}</span>
          </button>
        );
      })}
      {at !== null && times[at] !== undefined && (
        <span className="quiet">
          {clock(times[at]).replace(/\.000$/, "")}, {lengthOf(stepS)}
        </span>
      )}
    </div>
  );
  const isAsked = error?.problem.field === "filter" || error?.problem.field === "search";
  if (data === undefined && error !== null && !isAsked) return <Failure error={error} again={again} />;
  if (data === undefined) return <Skeleton height={HEIGHT + 40} animate={error === null} />;
  return (
    <TimeChart
      label="Log records by level over time"
      times={times}
      lines={lines}
      unit="count"
      kind="bars"
      isStacked
      height={HEIGHT}
      span={span}
      onZoom={range.zoom}
      legend={legend}
    />
  );
}

const lengthOf = (seconds: number): string =>
  seconds % 3_600 === 0 ? `${seconds / 3_600} h` : seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
