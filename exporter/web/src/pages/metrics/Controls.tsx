/** How the chosen metric is asked: what its points come to, by what it is told apart, of which records. */

import { Group, MultiSelect, SegmentedControl, Select, Switch } from "@mantine/core";

import { useAsk } from "../../core/ask";
import type { Refused } from "../../core/client";
import { FilterBar } from "../../core/ui/FilterBar";
import { type Range, useParams } from "../../core/url";
import { aggregations, WORDS } from "./shape";
import classes from "./metrics.module.css";

const MOST_BY = 5;
/** Fields that rollups do not have, but records do. */
const MORE: Readonly<Record<"calls" | "spans", readonly string[]>> = {
  calls: ["user", "error", "response_model"],
  spans: ["name", "tool", "route", "status", "error", "user"],
};

export interface ControlsProps {
  name: string;
  kind: string;
  aggregation: string | null;
  by: readonly string[];
  of: "calls" | "spans";
  isStackable: boolean;
  range: Range;
  error: Refused | null;
}

export function Controls({ name, kind, aggregation, by, of, isStackable, range, error }: ControlsProps) {
  const [parameters, set] = useParams();
  const isMeasure = kind === "measure";
  const labels = useAsk(
    "/api/metrics/{name}/labels",
    { path: { name }, query: { ...range.query, ...(isMeasure ? { of } : {}) } },
    {},
  ).data?.items;
  const known = (labels ?? []).map(({ label, distinct }) => ({ value: label ?? "", label: `${label} (${distinct})` }));
  const more = isMeasure ? MORE[of] : [];
  const others = [...new Set([...more, ...by])].filter((one) => !known.some(({ value }) => value === one));
  const all = aggregations(kind, by.length > 0);
  return (
    <div className={classes["controls"]}>
      <FilterBar
        subject={isMeasure ? of : "cells"}
        placeholder={isMeasure ? 'model ~ "gpt-*" and duration > 2s' : 'service = "shop"'}
        error={error}
      />
      <Group gap="xs" align="center">
        {isMeasure ? (
          <SegmentedControl
            size="xs"
            aria-label="Of what"
            value={of}
            data={[
              { value: "calls", label: "LLM calls" },
              { value: "spans", label: "All spans" },
            ]}
            onChange={(value) => {
              set({ of: value === "calls" ? null : value, by: null });
            }}
          />
        ) : (
          all.length > 0 && (
            <Select
              size="xs"
              aria-label="Aggregation"
              w={150}
              allowDeselect={false}
              value={aggregation}
              data={all.map((value) => ({ value, label: WORDS[value] ?? value }))}
              onChange={(value) => {
                set({ aggregation: value === all[0] ? null : value });
              }}
            />
          )
        )}
        <MultiSelect
          size="xs"
          aria-label="Group by"
          placeholder={by.length === 0 ? "Group by" : ""}
          className={classes["by"] ?? ""}
          maxValues={MOST_BY}
          clearable
          value={[...by]}
          data={[...known, ...others.map((value) => ({ value, label: value }))]}
          onChange={(values) => {
            set({ by: values.join() });
          }}
        />
        {isStackable && by.length > 0 && (
          <Switch
            size="xs"
            label="Stacked"
            checked={parameters.get("stacked") === "1"}
            onChange={(event) => {
              set({ stacked: event.currentTarget.checked ? "1" : null });
            }}
          />
        )}
        {by.length === 0 && aggregation !== "percentiles" && (
          <Switch
            size="xs"
            label="Period before"
            checked={parameters.get("compare") === "1"}
            onChange={(event) => {
              set({ compare: event.currentTarget.checked ? "1" : null });
            }}
          />
        )}
      </Group>
    </div>
  );
}
