/** What cells of these pages' tables have in common. */

import { Text } from "@mantine/core";
import { Link } from "wouter";

import { clock, count, harmless, ratio } from "../../core/format";
import classes from "./runs.module.css";

/** An error: its type, without the modules that it is in. */
export function ErrorName({ type }: { type: string | null }) {
  if (type === null || type === "") return <span className="quiet">–</span>;
  return (
    <span className="bad" title={harmless(type)}>
      {harmless(type.split(".").at(-1) ?? type)}
    </span>
  );
}

/** A moment, to the millisecond today, to the second on other days; on phones less. The whole date is in its title. */
export function When({ ns }: { ns: number }) {
  const [, day = "", minute = "", second = "", rest = ""] = /^(.* )?(\d+:\d+)(:\d+)(.*)$/.exec(clock(ns)) ?? [];
  const [shown, fine] = day === "" ? [minute + second, rest] : [day + minute, second];
  return (
    <time title={new Date(ns / 1e6).toISOString()} dateTime={new Date(ns / 1e6).toISOString()}>
      {shown}
      <span className={classes["fine"]}>{fine}</span>
    </time>
  );
}

/** The width of a column of moments. */
export const WHEN_WIDTH = "clamp(84px, 54px + 8vw, 132px)";

/** How many of how many, as a bar with both numbers. */
export function Share({ part, of, tone }: { part: number; of: number; tone: "good" | "bad" | "busy" }) {
  return (
    <span className={classes["share"]}>
      <span className={classes["meter"]} data-tone={tone} aria-hidden>
        <span style={{ width: `${of > 0 ? Math.min(part / of, 1) * 100 : 0}%` }} />
      </span>
      <span>
        {count(part)}/{count(of)}
      </span>
    </span>
  );
}

/** A share of failures: red where there are any. */
export function Failed({ failed, of }: { failed: number; of: number }) {
  if (of === 0) return <span className="quiet">–</span>;
  return (
    <span className={failed > 0 ? "bad" : "quiet"} title={`${count(failed)} of ${count(of)}`}>
      {ratio(failed / of)}
    </span>
  );
}

/** The way to a list that a panel shows a part of. */
export function Elsewhere({ href, children }: { href: string; children: string }) {
  return (
    <Text component="span" size="sm">
      <Link href={href}>{children}</Link>
    </Text>
  );
}
