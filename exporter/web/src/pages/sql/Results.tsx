/** The rows of an answer, or a picture of them. */

import { Button, Group, SegmentedControl, Select } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useMemo, useState } from "react";

import { Refused } from "../../core/client";
import { digits, duration, harmless, measured, whole } from "../../core/format";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { Panel } from "../../core/ui/Page";
import { type Column, Table } from "../../core/ui/Table";
import { useParam } from "../../core/url";
import { isNumber, measuresOf, textOf, unitOf } from "./charted";
import { Pictured } from "./Pictured";
import classes from "./Sql.module.css";
import { type Answer, downloaded } from "./statement";

interface Row {
  number: number;
  values: readonly unknown[];
}

export function Results({ answer, query }: { answer: Answer; query: string }) {
  const [shown, setShown] = useParam("view", "table");
  const [wanted, setWanted] = useParam("y");
  const [problem, setProblem] = useState<Refused | null>(null);
  const measures = useMemo(() => measuresOf(answer.columns), [answer]);
  const measure = measures.find(({ name }) => name === wanted) ?? measures[0];
  const rows = useMemo(() => answer.rows.map((values, number) => ({ number, values })), [answer]);
  const columns = useMemo(() => columnsOf(answer), [answer]);
  const save = async (): Promise<void> => {
    setProblem(null);
    try {
      await downloaded(query);
    } catch (error) {
      if (error instanceof Refused) setProblem(error);
      else throw error;
    }
  };
  return (
    <Panel
      flush
      title={
        <>
          {whole(answer.row_count)} {answer.row_count === 1 ? "row" : "rows"}
          <span className="quiet"> in {duration(answer.elapsed_ms * 1e6)}</span>
        </>
      }
      actions={
        <>
          {shown === "chart" && measures.length > 1 && (
            <Select
              size="xs"
              aria-label="Column to draw"
              data={[...new Set(measures.map(({ name }) => name))]}
              value={measure?.name ?? null}
              onChange={(name) => {
                setWanted(name ?? "");
              }}
              allowDeselect={false}
              w={170}
            />
          )}
          <SegmentedControl
            size="xs"
            aria-label="Show as"
            data={[
              { value: "table", label: "Table" },
              { value: "chart", label: "Chart" },
            ]}
            value={shown}
            onChange={setShown}
          />
          <Button
            size="xs"
            variant="default"
            leftSection={<IconDownload size={14} aria-hidden />}
            onClick={() => void save()}
          >
            CSV
          </Button>
        </>
      }
    >
      {problem !== null && <Failure error={problem} />}
      {answer.truncated && (
        <Group px="md" pb="xs" className="warn" role="note">
          There are more rows: these are the first {whole(answer.row_count)}. Ask for fewer, by `where` or `group by`.
        </Group>
      )}
      {shown === "chart" ? (
        <Pictured answer={answer} measure={measure} />
      ) : (
        <Table<Row>
          label="Rows"
          columns={columns}
          rows={rows}
          rowKey={({ number }) => `${number}`}
          height="max(320px, calc(100vh - 480px))"
          empty={<Empty title="No rows" />}
        />
      )}
    </Panel>
  );
}

const WIDEST = 420;
const CHARACTER = 8;
const LOOKED_AT = 60;

/** A column each, as wide as what its first rows need. */
function columnsOf({ columns, rows }: Answer): Column<Row>[] {
  return columns.map((column, at) => {
    const isRight = isNumber(column);
    const longest = Math.max(column.name.length + 2, ...rows.slice(0, LOOKED_AT).map((row) => textOf(row[at]).length));
    return {
      key: `${at}`,
      title: harmless(column.name),
      width: `${Math.min(longest * CHARACTER + 26, WIDEST)}px`,
      sort: ({ values }) => sortable(values[at]),
      ...(isRight ? { align: "right" as const } : {}),
      cell: ({ values }) => <Cell value={values[at]} name={isRight ? column.name : null} />,
    };
  });
}

/** `name` is that of a column of numbers, whose unit it may tell. */
function Cell({ value, name }: { value: unknown; name: string | null }) {
  if (value === null || value === undefined) return <span className={classes["null"]}>null</span>;
  const text = harmless(textOf(value));
  const { unit, factor } = unitOf(name ?? "");
  const title = name !== null && typeof value === "number" && unit !== "number" ? measured(value * factor, unit) : text;
  return <span title={title === text ? text : `${text} = ${title}`}>{shownAs(value, text)}</span>;
}

const shownAs = (value: unknown, text: string): string =>
  typeof value === "number" && !Number.isInteger(value) && Math.abs(value) >= 0.001 && text.length > 12
    ? digitsOf(value)
    : text;

/** Of a long fraction only what means something. */
const digitsOf = (value: number): string => (Math.abs(value) >= 1_000 ? value.toFixed(1) : digits(value));

const sortable = (value: unknown): number | string | null =>
  typeof value === "number" ? value : value === null || value === undefined ? null : textOf(value);
