/** One number, what it is called, how it went, and how it was in the period before. */

import { Skeleton } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "wouter";

import { Sparkline } from "../chart/Sparkline";
import { change as asChange } from "../format";
import classes from "./Stat.module.css";

export interface StatProps {
  label: string;
  /** Formatted, with its unit. */
  value: ReactNode;
  /** Against the period before, as a ratio; null where there is nothing to compare with. */
  change?: number | null | undefined;
  /** Whether more is better: colours the change. */
  better?: "more" | "less";
  /** Over the period. */
  values?: readonly (number | null)[] | undefined;
  note?: ReactNode;
  href?: string;
  isLoading?: boolean;
}

export function Stat({ label, value, change, better, values, note, href, isLoading = false }: StatProps) {
  const tone = better === undefined || !change ? "quiet" : change > 0 === (better === "more") ? "good" : "bad";
  const body = (
    <>
      <span className={classes["label"]}>{label}</span>
      <span className={classes["value"]}>{isLoading ? <Skeleton height={26} width={80} /> : value}</span>
      <span className={classes["foot"]}>
        {change !== undefined && change !== null && (
          <span className={tone} title="against the period before">
            {change > 0 ? "▲" : change < 0 ? "▼" : ""} {asChange(change)}
          </span>
        )}
        {note !== undefined && <span className="quiet">{note}</span>}
      </span>
      {values !== undefined && <Sparkline values={values} />}
    </>
  );
  return href === undefined ? (
    <div className={`panel ${classes["stat"] ?? ""}`}>{body}</div>
  ) : (
    <Link href={href} className={`panel ${classes["stat"] ?? ""}`}>
      {body}
    </Link>
  );
}

/** Several in a row that wraps. */
export function Stats({ children }: { children: ReactNode }) {
  return <div className={classes["stats"]}>{children}</div>;
}

/** By fives, or by twos where there is little room. */
export function Fives({ children }: { children: ReactNode }) {
  return <div className={classes["fives"]}>{children}</div>;
}
