/** Small things of alerts that several of their lists show. */

import type { ReactNode } from "react";

import { harmless, measured } from "../../core/format";
import classes from "./Alerts.module.css";
import type { Alert, Labels } from "./asked";

export function LabelsOf({ labels }: { labels: Labels }) {
  if (labels.length === 0) return <span className="quiet">–</span>;
  return (
    <>
      {labels.map(([name = "", value = ""]) => (
        <span key={name} className={classes["label"]} title={`${harmless(name)}=${harmless(value)}`}>
          <b>{harmless(name)}</b> {harmless(value)}
        </span>
      ))}
    </>
  );
}

/** `2.35 s of 2 s`: what is, and from where on it counts. */
export function Against({ value, threshold, unit }: Pick<Alert, "value" | "threshold" | "unit">) {
  return (
    <>
      {measured(value, unit)}
      {threshold !== null && <span className="quiet"> / {measured(threshold, unit)}</span>}
    </>
  );
}

export function Facts({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className={classes["facts"]}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const REASONS: Readonly<Record<string, string>> = {
  false: "no longer so",
  no_data: "no data",
  rule_changed: "the rule was changed",
  rule_removed: "the rule was removed",
};

export const reasonOf = (reason: string): string => REASONS[reason] ?? reason.replaceAll("_", " ");
