/** An answer as a chart: over time, or a bar for each row. */

import { Fragment, useMemo } from "react";

import { TimeChart } from "../../core/chart/TimeChart";
import { harmless, measured } from "../../core/format";
import { Empty } from "../../core/ui/Empty";
import { type Measured, pictureOf } from "./charted";
import classes from "./Sql.module.css";
import type { Answer } from "./statement";

export function Pictured({ answer, measure }: { answer: Answer; measure: Measured | undefined }) {
  const picture = useMemo(() => pictureOf(answer.columns, answer.rows, measure), [answer, measure]);
  if (picture === null || measure === undefined)
    return <Empty title="Nothing to draw">A chart needs a column of numbers, and one of times or of text.</Empty>;
  const more =
    picture.leftOut === 0 ? null : (
      <p className="quiet">{`${picture.leftOut} more ${picture.kind === "time" ? "lines" : "bars"} are left out.`}</p>
    );
  if (picture.kind === "time")
    return (
      <div className={classes["chart"]}>
        <TimeChart
          label={`${measure.name} over time`}
          times={picture.times}
          lines={picture.lines}
          unit={measure.unit}
          height={300}
          sync="sql"
        />
        {more}
      </div>
    );
  const most = Math.max(...picture.bars.map(({ value }) => Math.abs(value)), 0);
  return (
    <>
      <dl className={classes["bars"]} aria-label={measure.name}>
        {picture.bars.map(({ label, value }, at) => (
          <Fragment key={at}>
            <dt className="cut" title={harmless(label)}>
              {harmless(label)}
            </dt>
            <dd>
              <div
                className={classes["length"]}
                style={{ width: `${most === 0 ? 0 : (Math.abs(value) / most) * 100}%` }}
              />
            </dd>
            <dd className={classes["value"]}>{measured(value, measure.unit)}</dd>
          </Fragment>
        ))}
      </dl>
      {more}
    </>
  );
}
