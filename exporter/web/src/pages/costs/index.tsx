/** Costs & budgets: what is spent on what, whether it is within its bounds, and what could be cheaper. */

import { NativeSelect } from "@mantine/core";

import { useAsk } from "../../core/ask";
import { where } from "../../core/complete";
import { titled } from "../../core/grouped";
import { following } from "../../core/range";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { FilterBar } from "../../core/ui/FilterBar";
import { Page } from "../../core/ui/Page";
import { useParam, useRange } from "../../core/url";
import { START } from "../calls/start";
import { Advice } from "./Advice";
import type { Budget } from "./budget";
import { Budgets } from "./Budgets";
import classes from "./costs.module.css";
import { Dear } from "./Dear";
import { Events } from "./Events";
import { Projected } from "./Projected";
import { Spent } from "./Spent";
import { SpentBy } from "./SpentBy";
import { Totals } from "./Totals";
import { Unpriced } from "./Unpriced";

const DIMENSIONS = [
  "model",
  "provider",
  "operation",
  "service",
  "tenant",
  "workflow",
  "agent",
  "user",
  "conversation",
  "response_model",
];
const MOST_GROUPS = 200;
const MOST_BUDGETS = 500;

export default function Costs() {
  const range = useRange();
  const [filter] = useParam("filter");
  const [by, setBy] = useParam("by", "model");
  const [chosen, choose] = useParam("budget");
  const follow = following(range, "traces");
  const query = { ...range.query, ...where(filter) };
  const groups = useAsk("/api/costs", { query: { ...query, by: [by], limit: MOST_GROUPS } }, follow);
  const told = useAsk("/api/budgets", { query: { limit: MOST_BUDGETS } }, { follow: ["traces"], everyMs: 10_000 });
  const budgets = told.data?.["items"] as Budget[] | undefined;
  const budget = budgets?.find(({ name }) => name === chosen) ?? tightest(budgets ?? []);
  const isBadFilter = groups.error?.problem.field === "filter";
  const isEmpty = groups.data?.items.length === 0 && !groups.isOld;
  return (
    <Page
      title="Costs & budgets"
      filters={
        <FilterBar subject="calls" placeholder='tenant = "acme" and model ~ "gpt-*"' error={groups.error}>
          <NativeSelect
            size="sm"
            aria-label="Group by"
            value={by}
            data={DIMENSIONS.map((value) => ({ value, label: `by ${titled(value).toLowerCase()}` }))}
            onChange={(event) => {
              setBy(event.currentTarget.value);
            }}
          />
        </FilterBar>
      }
    >
      {groups.error !== null && !isBadFilter && <Failure error={groups.error} again={groups.again} />}
      {told.error !== null && <Failure error={told.error} again={told.again} />}
      {!isBadFilter && <Totals query={query} follow={follow} budget={budget} />}
      {isEmpty && <Nothing isFiltered={filter !== ""} />}
      {!isEmpty && !isBadFilter && (
        <div className={classes["two"]}>
          <Spent by={by} query={query} range={range} follow={follow} groups={groups.data?.items} />
          <SpentBy by={by} filter={filter} groups={groups.data?.items} />
        </div>
      )}
      <div className={classes["two"]}>
        <div className={classes["column"]}>
          <Budgets budgets={budgets} chosen={budget?.name ?? ""} onChoose={choose} onChange={told.again} />
          <Events />
        </div>
        {budget !== undefined && <Projected key={budget.name} budget={budget} />}
      </div>
      {!isEmpty && !isBadFilter && (
        <>
          <Unpriced query={query} filter={filter} follow={follow} />
          <Advice query={query} follow={follow} />
          <Dear query={query} filter={filter} follow={follow} />
        </>
      )}
    </Page>
  );
}

/** That of which most is used. */
const tightest = (budgets: readonly Budget[]): Budget | undefined =>
  [...budgets].sort((one, other) => other.used_ratio - one.used_ratio)[0];

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) return <Empty title="Nothing was spent on what the filter says">Take a longer time.</Empty>;
  return (
    <Empty title="Nothing was spent in this time" snippet={START}>
      Take a longer time, or send LLM calls: each is priced as it comes in.
    </Empty>
  );
}
