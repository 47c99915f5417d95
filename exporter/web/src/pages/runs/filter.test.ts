import { expect, test } from "vitest";

import { isOfSpans } from "./filter";

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
