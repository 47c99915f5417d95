/** When what fired, a lane for each rule. */

import { Link } from "wouter";

import { clock, day, duration, harmless } from "../../core/format";
import classes from "./Alerts.module.css";
import { type Bar, type Lane, ticks } from "./spans";

export function Timeline({ lanes, startNs, endNs }: { lanes: readonly Lane[]; startNs: number; endNs: number }) {
  const place = (ns: number): string => `${((ns - startNs) / (endNs - startNs)) * 100}%`;
  return (
    <div className={classes["timeline"]}>
      <ul className={classes["lanes"]}>
        {lanes.map(({ key, label, href, bars, firedNs }) => {
          const name = <span className="cut">{harmless(label)}</span>;
          return (
            <li key={key} className={classes["lane"]}>
              {href === undefined ? (
                <span className={classes["laneName"]} title={harmless(label)}>
                  {name}
                </span>
              ) : (
                <Link href={href} className={classes["laneName"]} title={harmless(label)}>
                  {name}
                </Link>
              )}
              <div className={classes["track"]} aria-hidden>
                {bars.map((bar) => (
                  <OneBar key={bar.id} bar={bar} nowNs={endNs} />
                ))}
              </div>
              <span className={classes["laneSum"]}>
                {bars.length > 1 && <span className="quiet">{bars.length} × </span>}
                {duration(firedNs)}
              </span>
            </li>
          );
        })}
      </ul>
      <div className={classes["axis"]} aria-hidden>
        <div className={classes["axisTrack"]}>
          {ticks(startNs, endNs).map((at) => (
            <span key={at} className={classes["tick"]} style={{ left: place(at) }}>
              {tickOf(at, endNs - startNs)}
            </span>
          ))}
        </div>
      </div>
    </div>
  );
}

function OneBar({ bar, nowNs }: { bar: Bar; nowNs: number }) {
  const { severity, left, width, startNs, endNs, href } = bar;
  const title = `${severity}, ${clock(startNs)} – ${endNs === null ? "now" : clock(endNs)} (${duration((endNs ?? nowNs) - startNs)})`;
  const look = {
    className: classes["bar"],
    "data-severity": severity,
    "data-open": endNs === null || undefined,
    style: { left: `${left * 100}%`, width: `${width * 100}%` },
    title,
  };
  // A shortcut for the mouse: the same alerts are links in the lists.
  return href === undefined ? <span {...look} /> : <Link href={href} tabIndex={-1} {...look} />;
}

const DAY_NS = 86_400e9;

const tickOf = (ns: number, lengthNs: number): string => {
  const time = new Date(ns / 1e6).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (lengthNs <= DAY_NS) return time;
  return time === "00:00" ? day(ns) : lengthNs > 3 * DAY_NS ? "" : time;
};
