/** All of a record, and where to go from it. */

import { ActionIcon, Button, Group, Tooltip } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { IconArrowsVertical, IconCopy, IconLink, IconMinus, IconPlus, IconRoute } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Link, useSearch } from "wouter";

import { both, equals } from "../../core/complete";
import { ago, duration, harmless, rfc3339 } from "../../core/format";
import { Copy } from "../../core/ui/Snippet";
import { useParams } from "../../core/url";
import { json } from "./download";
import { traceOf } from "./Entry";
import { type Field, fieldsOf } from "./fields";
import classes from "./logs.module.css";
import { type Row, timeOf } from "./records";

const AROUND_NS = 10e9;

export function Detail({ row }: { row: Row }) {
  const search = useSearch();
  const [, set] = useParams();
  const { record } = row;
  const at = timeOf(row);
  const around = (filter: string | null): void => {
    const between = { range: null, start: rfc3339(at - AROUND_NS), end: rfc3339(at + AROUND_NS) };
    set({ ...between, filter, search: null, level: null, open: row.id }, true);
  };
  const { service_name: service, trace_id: trace } = record;
  return (
    <div className={classes["detail"]}>
      <Group gap="xs" className={classes["ways"]}>
        {trace && (
          <>
            <Button
              component={Link}
              href={traceOf(record, search)}
              size="compact-xs"
              variant="default"
              leftSection={<IconRoute size={14} aria-hidden />}
            >
              Open its trace
            </Button>
            <Button
              size="compact-xs"
              variant="default"
              onClick={() => {
                set({ filter: equals("trace", trace), search: null, level: null, open: row.id }, true);
              }}
            >
              All of this trace
            </Button>
          </>
        )}
        <Button
          size="compact-xs"
          variant="default"
          leftSection={<IconArrowsVertical size={14} aria-hidden />}
          onClick={() => {
            around(service ? equals("service", service) : null);
          }}
        >
          Around it{service ? ", this service" : ""}
        </Button>
        <Copying text={() => json(row)} label="Copy as JSON" icon={<IconCopy size={14} aria-hidden />} />
        <Copying text={() => linkTo(row, search)} label="Copy a link to it" icon={<IconLink size={14} aria-hidden />} />
      </Group>
      {record.body !== null && record.body !== undefined && (
        <pre className={classes["whole"]}>{harmless(record.body)}</pre>
      )}
      <table className={classes["fields"]}>
        <caption className="unseen">What is known of it</caption>
        <tbody>
          <tr>
            <th scope="row">time</th>
            <td>
              {rfc3339(at)} <span className="quiet">{ago(at)}</span>
              {record.ingest_us !== undefined && record.ingest_us * 1e3 > at + 1e6 && (
                <span className="quiet">, taken in {duration(record.ingest_us * 1e3 - at)} later</span>
              )}
            </td>
            <td />
          </tr>
          {fieldsOf(record).map((field) => (
            <FieldRow key={field.name} field={field} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function FieldRow({ field: { name, value, asked } }: { field: Field }) {
  const [parameters, set] = useParams();
  const add = (condition: string): void => {
    set({ filter: both(parameters.get("filter") ?? "", condition) }, true);
  };
  return (
    <tr>
      <th scope="row">{harmless(name)}</th>
      <td>{harmless(value)}</td>
      <td>
        {asked !== null && (
          <>
            <Tooltip label="Only with this">
              <ActionIcon
                variant="subtle"
                color="gray"
                size={24}
                aria-label={`Only with this ${name}`}
                onClick={() => {
                  add(equals(asked, value));
                }}
              >
                <IconPlus size={14} aria-hidden />
              </ActionIcon>
            </Tooltip>
            <Tooltip label="Without this">
              <ActionIcon
                variant="subtle"
                color="gray"
                size={24}
                aria-label={`Without this ${name}`}
                onClick={() => {
                  add(`not ${equals(asked, value)}`);
                }}
              >
                <IconMinus size={14} aria-hidden />
              </ActionIcon>
            </Tooltip>
          </>
        )}
        <Copy text={value} label={`Copy ${name}`} />
      </td>
    </tr>
  );
}

/** Made when it is copied: it may be long. */
function Copying({ text, label, icon }: { text: () => string; label: string; icon: ReactNode }) {
  const clipboard = useClipboard({ timeout: 1_500 });
  return (
    <Button
      size="compact-xs"
      variant="default"
      leftSection={icon}
      onClick={() => {
        clipboard.copy(text());
      }}
    >
      {clipboard.copied ? "Copied" : label}
    </Button>
  );
}

/** A link under which the record is the newest, whenever it is opened. */
function linkTo(row: Row, search: string): string {
  const parameters = new URLSearchParams(search);
  parameters.delete("range");
  parameters.set("start", rfc3339(timeOf(row) - 60e9));
  parameters.set("end", rfc3339(timeOf(row) + 2e6));
  parameters.set("open", row.id);
  return `${location.origin}${location.pathname}?${parameters.toString()}`;
}
