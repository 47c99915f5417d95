/** What was logged in a span, or in all of its trace. */

import { Button, SegmentedControl } from "@mantine/core";
import { useState } from "react";

import { duration, harmless } from "../../../core/format";
import { useListed } from "../../../core/listed";
import { Failure } from "../../../core/ui/Failure";
import { Loading } from "../../../core/ui/Loading";
import classes from "./Pane.module.css";

const LIMIT = 500;
const ERROR = 17;
const WARN = 13;

export function Logs({ trace, span, startNs }: { trace: string; span: string | null; startNs: number }) {
  const [isAll, setAll] = useState(false);
  const { rows, error, hasMore, isAsking, more, again } = useListed("/api/traces/{trace}/logs", {
    path: { trace },
    query: { limit: LIMIT },
  });
  if (error !== null) return <Failure error={error} again={again} />;
  if (rows === undefined) return <Loading height={120} />;
  const own = rows.filter((row) => row.span_id === span);
  const shown = isAll ? rows : own;
  return (
    <section className={classes["part"]} aria-label="Logs">
      <SegmentedControl
        size="xs"
        aria-label="Whose logs"
        data={[
          { value: "span", label: `This span (${own.length})` },
          { value: "trace", label: `Whole trace (${rows.length}${hasMore ? "+" : ""})` },
        ]}
        value={isAll ? "trace" : "span"}
        onChange={(value) => {
          setAll(value === "trace");
        }}
      />
      {shown.length === 0 && (
        <p className={classes["none"]}>Nothing was logged {isAll ? "in this trace" : "in this span"}.</p>
      )}
      <ol className={classes["logs"]}>
        {shown.map((row, at) => {
          const severity = row.severity_number ?? 0;
          return (
            <li key={`${row.time_ns ?? 0}-${at}`}>
              <span className="quiet">+{duration((row.time_ns ?? startNs) - startNs)}</span>
              <span className={severity >= ERROR ? "bad" : severity >= WARN ? "warn" : "quiet"}>
                {harmless(row.severity_text ?? "") || "–"}
              </span>
              <span className={classes["value"]}>{harmless(row.body ?? row.event_name ?? "")}</span>
            </li>
          );
        })}
      </ol>
      {hasMore && (
        <Button size="xs" variant="default" loading={isAsking} onClick={() => void more()}>
          More
        </Button>
      )}
    </section>
  );
}
