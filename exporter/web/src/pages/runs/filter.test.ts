import { expect, test } from "vitest";

import { both, isOfSpans } from "./filter";

test("filters hold at once", () => {
  expect(both(null, "", "  ")).toBeNull();
  expect(both("a = 1", null)).toBe("a = 1");
  expect(both("a = 1 or b = 2", "c = 3")).toBe("(a = 1 or b = 2) and (c = 3)");
});

test.each([
  ["", true],
  ['workflow = "status"', true],
  ['status = "failed"', false],
  ['workflow = "x" and (run ~ "a*")', false],
  ["duration > 2s and service = shop", true],
  ["not name = refund", false],
])("what says the same of spans: %s", (filter, is) => {
  expect(isOfSpans(filter)).toBe(is);
});
