import { expect, test } from "vitest";

import { filled } from "./series";

test("holes are filled, and each row is in its bucket", () => {
  const rows = [
    { bucket_ns: 180, n: 1 },
    { bucket_ns: 300, n: 2 },
  ];
  const { times, rows: found } = filled(rows, 130, 310, 60);
  expect(times).toEqual([120, 180, 240, 300]);
  expect(found.map((row) => row?.n ?? 0)).toEqual([0, 1, 0, 2]);
});

test("nanoseconds of today survive as numbers", () => {
  const step = 60e9;
  const bucket = 29_922_055 * step;
  expect(filled([{ bucket_ns: bucket }], bucket + 1e9, bucket + 2e9, step).rows).toEqual([{ bucket_ns: bucket }]);
});
