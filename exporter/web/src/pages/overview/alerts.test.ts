import { expect, it } from "vitest";

import { after, type Alert } from "./alerts";

const alert = (id: string, state: Alert["state"] = "firing"): Alert => ({
  id,
  rule: `rule ${id}`,
  state,
  severity: "error",
  labels: [],
  annotations: [],
  value: null,
  threshold: null,
  started_at: 1,
  fired_at: 1,
  acknowledged_at: null,
  acknowledged_by: null,
  note: "",
  resolved_at: null,
  resolved_by: null,
  reason: "",
  rule_id: "group/rule",
  tenant_id: "default",
  fingerprint: "f",
  episode: `${id}0000`,
  unit: "number",
});
const change = (id: string, now: Alert | null) => ({ alert_id: id, alert: now });
const ids = (all: readonly Alert[] | null): string[] | null => all?.map((one) => `${one.id} ${one.state}`) ?? null;

it("a snapshot is all there is", () => {
  const told = { op: "snapshot" as const, items: [alert("a")], left_out: 0 };
  expect(ids(after([alert("b")], told))).toEqual(["a firing"]);
});

it("changes come, go and take the place of what was", () => {
  const items = [change("c", null), change("b", alert("b", "acknowledged")), change("a", alert("a", "resolved"))];
  const told = { op: "change" as const, items, left_out: 0 };
  expect(ids(after([alert("a"), alert("b"), alert("c")], told))).toEqual(["b acknowledged"]);
  expect(ids(after([], { ...told, items: [change("d", alert("d"))] }))).toEqual(["d firing"]);
});

it("of too many changes, or of those before the first snapshot, nothing is made up", () => {
  expect(after([], { op: "change", items: [], left_out: 1 })).toBeNull();
  expect(after(null, { op: "change", items: [], left_out: 0 })).toBeNull();
});
