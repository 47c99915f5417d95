/** Budgets as the API tells them: it promises their columns in words only, so they are looked at. */

export interface Budget {
  name: string;
  /** `day`, `week`, `month`. */
  per: string;
  limitNanos: number;
  spentNanos: number;
  usedRatio: number;
  /** What the period will have cost, where that can be said. */
  expectedNanos: number | null;
}

type Told = Readonly<Record<string, unknown>>;

const isTold = (value: unknown): value is Told => typeof value === "object" && value !== null;
const numberOf = (value: unknown): number => (typeof value === "number" ? value : 0);
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** Those that are in force, the one that is used up most first. */
export function budgetsOf(answer: unknown): Budget[] {
  const items: unknown = isTold(answer) ? answer["items"] : [];
  if (!Array.isArray(items)) return [];
  return items
    .filter(isTold)
    .filter((one) => one["enabled"] !== false)
    .map(budgetOf)
    .sort((one, other) => other.usedRatio - one.usedRatio);
}

function budgetOf(one: Told): Budget {
  const projection = one["projection"];
  return {
    name: textOf(one["name"]),
    per: textOf(one["per"]),
    limitNanos: numberOf(one["limit_nanos"]),
    spentNanos: numberOf(one["spent_nanos"]),
    usedRatio: numberOf(one["used_ratio"]),
    expectedNanos: isTold(projection) ? numberOf(projection["expected_nanos"]) : null,
  };
}
