/** A list in a panel: new rows on demand, older ones at its end. */

import { Button } from "@mantine/core";
import { type ReactNode, useState } from "react";

import { Failure } from "../../core/ui/Failure";
import { NewRows } from "../../core/ui/Listed";
import { Panel } from "../../core/ui/Page";
import { type Column, Table } from "../../core/ui/Table";
import type { Listed } from "../../core/listed";
import classes from "./runs.module.css";

export interface ListProps<Row> {
  title: string;
  listed: Omit<Listed<unknown>, "rows">;
  rows: readonly Row[] | undefined;
  columns: readonly Column<Row>[];
  rowKey: (row: Row) => string;
  href?: (row: Row) => string;
  onOpen?: (row: Row) => void;
  selected?: string | null;
  empty: ReactNode;
  actions?: ReactNode;
  hasKeys?: boolean;
  onAway: (isAway: boolean) => void;
}

const HEIGHT = "max(420px, calc(100vh - 200px))";

export function List<Row>(props: ListProps<Row>) {
  const {
    title,
    listed,
    rows,
    columns,
    rowKey,
    href,
    onOpen,
    selected,
    empty,
    actions,
    hasKeys = true,
    onAway,
  } = props;
  return (
    <Panel
      title={title}
      flush
      actions={
        <>
          <NewRows list={listed} size="compact-sm" leftSection={null} />
          {actions}
        </>
      }
    >
      {listed.error !== null && listed.error.problem.field !== "filter" && (
        <Failure error={listed.error} again={listed.again} />
      )}
      {(rows !== undefined || listed.error === null) && (
        <Table
          label={title}
          columns={columns}
          rows={rows}
          rowKey={rowKey}
          {...(href === undefined ? {} : { href })}
          {...(onOpen === undefined ? {} : { onOpen })}
          selected={selected ?? null}
          height={HEIGHT}
          hasKeys={hasKeys}
          empty={empty}
          onAway={onAway}
        />
      )}
      {listed.hasMore && (
        <div className={classes["more"]}>
          <Button size="compact-sm" variant="subtle" loading={listed.isAsking} onClick={() => void listed.more()}>
            Older ones
          </Button>
        </div>
      )}
    </Panel>
  );
}

/** Whether the list is scrolled away, for `hold`. */
export const useAway = () => useState(false);
