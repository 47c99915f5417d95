/** A state as a word with a sign and a colour: the sign tells it also to those who do not see the colour. */

import {
  IconAlertTriangle,
  IconCheck,
  IconCircleDashed,
  IconClock,
  IconLoader2,
  IconQuestionMark,
  IconUserCheck,
  IconX,
  type Icon,
} from "@tabler/icons-react";

import classes from "./Status.module.css";

type Tone = "good" | "warn" | "bad" | "quiet" | "busy";

const SHOWN: Readonly<Record<string, readonly [Tone, Icon]>> = {
  healthy: ["good", IconCheck],
  completed: ["good", IconCheck],
  ok: ["good", IconCheck],
  resolved: ["good", IconCheck],
  running: ["busy", IconLoader2],
  pending: ["warn", IconClock],
  degraded: ["warn", IconAlertTriangle],
  warning: ["warn", IconAlertTriangle],
  warn: ["warn", IconAlertTriangle],
  cancelled: ["quiet", IconX],
  lost: ["warn", IconQuestionMark],
  acknowledged: ["busy", IconUserCheck],
  idle: ["quiet", IconCircleDashed],
  inactive: ["quiet", IconCircleDashed],
  unset: ["quiet", IconCircleDashed],
  firing: ["bad", IconAlertTriangle],
  failed: ["bad", IconX],
  error: ["bad", IconX],
  fatal: ["bad", IconX],
  critical: ["bad", IconX],
  down: ["bad", IconX],
  unhealthy: ["bad", IconX],
};

/** `state` in any case; `label` in its place. */
export function Status({ state, label = state }: { state: string; label?: string }) {
  const [tone, Sign] = SHOWN[state.toLowerCase()] ?? ["quiet", IconCircleDashed];
  return (
    <span className={classes["status"]} data-tone={tone}>
      <Sign
        size={13}
        stroke={2.2}
        aria-hidden
        className={tone === "busy" && Sign === IconLoader2 ? classes["turning"] : undefined}
      />
      {label.toLowerCase()}
    </span>
  );
}
