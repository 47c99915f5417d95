/** Whether the page follows what comes in, and the switch that stops it. */

import { Button } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { useEffect } from "react";

import { useKeys } from "../keys";
import { type Connection, onChange, setPaused, useConnection } from "../live";
import classes from "./Follow.module.css";

const WORDS: Record<Connection, string> = {
  live: "Live",
  connecting: "Connecting",
  paused: "Paused",
  lost: "Reconnecting",
  refused: "Not allowed",
};

export function Follow() {
  const connection = useConnection();
  // One subscription stays, so that it is known on every page whether the server is there.
  useEffect(() => onChange("alerts", () => undefined), []);
  const isPaused = connection === "paused";
  const toggle = (): void => {
    setPaused(!isPaused);
  };
  useKeys({ ".": toggle });
  return (
    <Button
      variant="default"
      size="xs"
      onClick={toggle}
      aria-pressed={isPaused}
      aria-label={`${WORDS[connection]}. ${isPaused ? "Follow again" : "Pause"}`}
      leftSection={<span className={classes["dot"]} data-state={connection} />}
      rightSection={isPaused ? <IconPlayerPlay size={13} aria-hidden /> : <IconPlayerPause size={13} aria-hidden />}
      className={classes["button"]}
      data-connection={connection}
    >
      <span className={classes["word"]}>{WORDS[connection]}</span>
    </Button>
  );
}
