/** Which metrics there are: measures of ours, and what programs sent. */

import { Button, Select, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useRef } from "react";
import { Link, useLocation, useSearch } from "wouter";

import type { Schemas } from "../../core/client";
import { whole } from "../../core/format";
import { useKeys } from "../../core/keys";
import { useParam, withRange } from "../../core/url";
import classes from "./metrics.module.css";
import { unitName } from "./shape";

export type Listed = Schemas["Listed"];

export interface MetricListProps {
  metrics: readonly Listed[];
  selected: string;
  hasMore: boolean;
  onMore: () => void;
}

const GROUPS = [
  { title: "Measures", has: (kind: string): boolean => kind === "measure" },
  { title: "Stored metrics", has: (kind: string): boolean => kind !== "measure" },
];

export function MetricList({ metrics, selected, hasMore, onMore }: MetricListProps) {
  const [find, setFind] = useParam("find");
  const search = useSearch();
  const input = useRef<HTMLInputElement>(null);
  useKeys({ f: () => input.current?.focus() });
  const words = find.toLowerCase().split(/\s+/);
  const found = metrics.filter(({ name, description }) => {
    const text = `${name} ${description}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return (
    <nav className={`panel ${classes["list"] ?? ""}`} aria-label="Metrics">
      <TextInput
        ref={input}
        aria-label="Find a metric"
        placeholder="Find a metric"
        size="xs"
        leftSection={<IconSearch size={14} aria-hidden />}
        value={find}
        onChange={(event) => {
          setFind(event.currentTarget.value);
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
      <div className={classes["names"]}>
        {GROUPS.map(({ title, has }) => {
          const these = found.filter(({ kind }) => has(kind ?? ""));
          return (
            these.length > 0 && (
              <section key={title}>
                <h2 className={classes["group"]}>
                  {title} <span>{whole(these.length)}</span>
                </h2>
                <ul>
                  {these.map((one) => (
                    <li key={`${one.name} ${one.kind}`}>
                      <Link
                        href={pathTo(one.name ?? "", search)}
                        className={classes["name"]}
                        aria-current={one.name === selected ? "page" : undefined}
                        title={one.description}
                      >
                        <span>{one.name}</span>
                        <span className="quiet">{one.kind === "measure" ? unitName(one.unit ?? "") : one.kind}</span>
                      </Link>
                    </li>
                  ))}
                </ul>
              </section>
            )
          );
        })}
        {found.length === 0 && <p className="quiet">No metric of this name has points in this time.</p>}
        {hasMore && (
          <Button size="compact-xs" variant="default" onClick={onMore}>
            More
          </Button>
        )}
      </div>
    </nav>
  );
}

/** The same where there is little room. */
export function MetricSelect({ metrics, selected }: Pick<MetricListProps, "metrics" | "selected">) {
  const [, go] = useLocation();
  const search = useSearch();
  return (
    <Select
      aria-label="Metric"
      size="sm"
      searchable
      className={classes["select"] ?? ""}
      value={selected}
      allowDeselect={false}
      data={GROUPS.map(({ title, has }) => ({
        group: title,
        items: [...new Set(metrics.filter(({ kind }) => has(kind ?? "")).map(({ name }) => name ?? ""))],
      }))}
      onChange={(name) => {
        if (name !== null) go(pathTo(name, search));
      }}
    />
  );
}

/** Another metric, of the same time; what was asked of this one may not fit it. */
function pathTo(name: string, search: string): string {
  const before = new URLSearchParams(search);
  const find = before.get("find");
  const path = `/explore?metric=${encodeURIComponent(name)}${find ? `&find=${encodeURIComponent(find)}` : ""}`;
  return withRange(path, before);
}
