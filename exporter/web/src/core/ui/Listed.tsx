/** What stands above and below a list that is read page by page. */

import { Button, type ButtonProps } from "@mantine/core";
import { IconArrowUp } from "@tabler/icons-react";

import { count } from "../format";
import type { Listed } from "../listed";
import classes from "./Listed.module.css";

/** Shows what came in while somebody read; nothing where nothing did. */
export function NewRows({
  list,
  what = "rows",
  ...look
}: { list: Pick<Listed<unknown>, "isBehind" | "again">; what?: string } & ButtonProps) {
  if (!list.isBehind) return null;
  return (
    <Button
      size="compact-xs"
      variant="light"
      leftSection={<IconArrowUp size={13} aria-hidden />}
      onClick={list.again}
      {...look}
    >
      New {what}: show
    </Button>
  );
}

/** Reads the next page, and says how many are there; nothing where those are all. */
export function More({ list }: { list: Listed<unknown> }) {
  if (!list.hasMore) return null;
  return (
    <div className={classes["more"]}>
      <Button size="compact-xs" variant="default" loading={list.isAsking} onClick={() => void list.more()}>
        More
      </Button>
      <span className="quiet">{count(list.rows?.length)} are shown</span>
    </div>
  );
}
