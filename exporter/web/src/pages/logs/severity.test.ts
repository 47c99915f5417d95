import { expect, test } from "vitest";

import { chosen, condition, counted, levelOf, stepOf, toggled } from "./severity";

test("severity numbers have levels", () => {
  expect([0, 1, 8, 9, 16, 17, 24].map((one) => levelOf(one).name)).toEqual([
    "none",
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "fatal",
  ]);
});

test("levels are added and taken away, the worst first", () => {
  expect(toggled("", "warn")).toBe("warn");
  expect(toggled("warn", "error")).toBe("error,warn");
  expect(toggled("error,warn", "error")).toBe("warn");
  expect(chosen("warn,nonsense")).toEqual(["warn"]);
});

test("levels become a condition", () => {
  expect(condition([])).toBe("");
  expect(condition(["fatal"])).toBe("severity >= 21");
  expect(condition(["fatal", "error"])).toBe("severity >= 17");
  expect(condition(["warn"])).toBe("severity >= 13 and severity < 17");
  expect(condition(["none"])).toBe("severity < 1");
  expect(condition(["error", "info"])).toBe("(severity >= 17 and severity < 21) or (severity >= 9 and severity < 13)");
  expect(condition(["fatal", "error", "warn", "info", "debug", "trace", "none"])).toBe("severity >= 0");
});

test("buckets without records count nothing", () => {
  const rows = [
    { bucket_ns: 10e9, level: "info", count: 2 },
    { bucket_ns: 30e9, level: "error", count: 1 },
    { bucket_ns: 30e9, level: "info", count: 3 },
  ];
  const { times, byLevel, sums } = counted(rows, 12e9, 41e9, 10);
  expect(times).toEqual([10e9, 20e9, 30e9, 40e9]);
  expect(byLevel.get("info")).toEqual([2, 0, 3, 0]);
  expect(byLevel.get("error")).toEqual([0, 0, 1, 0]);
  expect(sums.get("info")).toBe(5);
});

test("about a hundred buckets fill a range", () => {
  expect(stepOf({ ns: 60e9 })).toBe(1);
  expect(stepOf({ ns: 3_600e9 })).toBe(60);
  expect(stepOf({ ns: 30 * 86_400e9 })).toBe(43_200);
});
