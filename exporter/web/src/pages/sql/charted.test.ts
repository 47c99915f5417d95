import { expect, test } from "vitest";

import { measuresOf, pictureOf, textOf, unitOf } from "./charted";

const minute = { name: "minute", type: "TIMESTAMP WITH TIME ZONE" };
const model = { name: "model", type: "VARCHAR" };
const usd = { name: "cost_usd", type: "DECIMAL(38,9)" };
const ns = { name: "start_time_unix_nano", type: "BIGINT" };

test("names tell units", () => {
  expect(unitOf("duration_ns").unit).toBe("ns");
  expect(unitOf("cost_usd")).toEqual({ unit: "usd_nanos", factor: 1e9 });
  expect(unitOf("usd").unit).toBe("usd_nanos");
  expect(unitOf("error_rate").unit).toBe("ratio");
  expect(unitOf("calls").unit).toBe("number");
});

test("times are no measures", () => {
  expect(measuresOf([minute, model, ns, usd]).map((one) => one.name)).toEqual(["cost_usd"]);
});

test("a line for each text, in the order of time, with gaps", () => {
  const rows = [
    ["2026-11-22T00:02:00Z", "a", 0.5],
    ["2026-11-22T00:01:00Z", "a", 0.25],
    ["2026-11-22T00:01:00Z", "b", "1"],
    ["2026-11-22T00:02:00Z", "b", null],
  ];
  const columns = [minute, model, usd];
  const start = Date.parse("2026-11-22T00:01:00Z") * 1e6;
  expect(pictureOf(columns, rows, measuresOf(columns)[0])).toEqual({
    kind: "time",
    times: [start, start + 60e9],
    lines: [
      { label: "a", values: [0.25e9, 0.5e9] },
      { label: "b", values: [1e9, null] },
    ],
    leftOut: 0,
  });
});

test("without times a bar for each row", () => {
  const columns = [model, usd];
  expect(pictureOf(columns, [["a", 2]], measuresOf(columns)[0])).toEqual({
    kind: "bars",
    bars: [{ label: "a", value: 2e9 }],
    leftOut: 0,
  });
  expect(pictureOf([model], [["a"]], undefined)).toBeNull();
});

test("values as text", () => {
  expect([null, "a", 1.5, { b: [1] }].map(textOf)).toEqual(["NULL", "a", "1.5", '{"b":[1]}']);
});
