import { describe, expect, it } from "vitest";

import { type Budget, definitionOf, fieldOf, filterOf, formOf, scopeOf } from "./budget";

const budget: Budget = {
  name: "support",
  state: "ok",
  per: "day",
  zone: "Europe/Berlin",
  scope: { agent: ["support-agent"], model: ["a", 'b"c'] },
  limit_nanos: 50e9,
  spent_nanos: 0,
  used_ratio: 0,
  late_nanos: 0,
  calls: 0,
  unpriced: 0,
  period_start_unix_nano: 0,
  period_end_unix_nano: 1,
  alert_at: [50, 80, 100],
  crossed: [],
  projection: null,
  origin: "api",
  enabled: true,
  definition: { name: "support", usd: "$50", per: "day", zone: "Europe/Berlin", labels: { team: "x" }, anchor: 1 },
};

describe("a budget that is edited", () => {
  it("stays what it is where nothing is changed", () => {
    expect(definitionOf(formOf(budget), budget.definition)).toEqual({
      name: "support",
      usd: "50",
      per: "day",
      zone: "Europe/Berlin",
      labels: { team: "x" },
      alert_at: [50, 80, 100],
      scope: { agent: ["support-agent"], model: ["a", 'b"c'] },
    });
  });

  it("leaves it to the server to refuse what is no percent", () => {
    expect(definitionOf({ ...formOf(null), alertAt: "50, often" })["alert_at"]).toEqual([50, "often"]);
  });

  it("has days where it is custom, and only there", () => {
    const form = { ...formOf(null), per: "custom", start: "2026-11-01", end: "2026-12-01", anchor: "5" };
    expect(definitionOf(form)).toMatchObject({ start: "2026-11-01", end: "2026-12-01" });
    expect(definitionOf(form)).not.toHaveProperty("anchor");
    expect(definitionOf({ ...form, per: "month" })).toMatchObject({ anchor: 5 });
    expect(definitionOf({ ...form, per: "month" })).not.toHaveProperty("start");
  });
});

describe("a scope", () => {
  it("is a filter, where that has words for it", () => {
    expect(filterOf(budget.scope)).toBe('(model = "a" or model = "b\\"c") and agent = "support-agent"');
    expect(filterOf({})).toBe("");
    expect(filterOf({ session: ["s"] })).toBeNull();
  });

  it("is told in words", () => {
    expect(scopeOf({ model: ["a", "b"], tenant: ["acme"] })).toBe("tenant acme, model a or b");
    expect(scopeOf({})).toBe("all calls");
  });
});

it("knows which field is complained about", () => {
  expect(["budget.usd", "budget.alert_at[0]", "name", null].map(fieldOf)).toEqual(["usd", "alertAt", "", ""]);
});
