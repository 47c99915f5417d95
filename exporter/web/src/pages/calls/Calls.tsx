/** How LLM calls go: totals, by group over time, why some failed, and the calls themselves. */

import { SegmentedControl } from "@mantine/core";

import { useAsk } from "../../core/ask";
import { where } from "../../core/complete";
import { FilterBar } from "../../core/ui/FilterBar";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { Page } from "../../core/ui/Page";
import { following } from "../../core/range";
import { useParam, useRange } from "../../core/url";
import { Charts } from "./Charts";
import { Failures } from "./Failures";
import { Groups } from "./Groups";
import { Latest } from "./Latest";
import { START } from "./start";
import { Totals } from "./Totals";

const GROUPINGS = [
  { value: "provider", label: "Provider" },
  { value: "model", label: "Model" },
  { value: "operation", label: "Operation" },
  { value: "service", label: "Service" },
];
const MOST_GROUPS = 200;

export function Calls() {
  const range = useRange();
  const [filter] = useParam("filter");
  const [by, setBy] = useParam("by", "model");
  const follow = following(range, "traces");
  const groups = useAsk(
    "/api/calls",
    { query: { ...range.query, ...where(filter), by: [by], limit: MOST_GROUPS } },
    follow,
  );
  const isBadFilter = groups.error?.problem.field === "filter";
  const isEmpty = groups.data?.items.length === 0 && !groups.isOld;

  return (
    <Page
      title="LLM calls"
      filters={
        <FilterBar subject="calls" placeholder='model ~ "gpt-*" and duration > 2s' error={groups.error}>
          <SegmentedControl
            size="xs"
            data={GROUPINGS}
            value={by}
            onChange={setBy}
            aria-label="Group by"
            withItemsBorders={false}
          />
        </FilterBar>
      }
    >
      {groups.error !== null && !isBadFilter && <Failure error={groups.error} again={groups.again} />}
      {isEmpty ? (
        <Nothing isFiltered={filter !== ""} />
      ) : (
        !isBadFilter && (
          <>
            <Totals filter={filter} range={range} follow={follow} />
            <Charts by={by} filter={filter} range={range} follow={follow} groups={groups.data?.items} />
            <Groups by={by} filter={filter} groups={groups.data?.items} />
            <Failures filter={filter} range={range} follow={follow} />
            <Latest filter={filter} range={range} follow={follow} />
          </>
        )
      )}
    </Page>
  );
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) return <Empty title="No call is as the filter says">Take a longer time, or a wider filter.</Empty>;
  return (
    <Empty title="No LLM calls in this time" snippet={START}>
      Take a longer time, or send some: two lines in a Python program, or <code>ax demo</code> for a made-up one.
    </Empty>
  );
}
