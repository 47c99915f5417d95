import { expect, it } from "vitest";

import { both, completed, completions, equals, quoted, where } from "./complete";

const FIELDS = ["duration", "provider", "model", "service"].map((name) => ({ name, kind: "text" }));
const names = (text: string): string[] => completions(text, text.length, FIELDS).map(({ name }) => name);

it("offers what the word before the caret may become", () => {
  expect(names("")).toEqual(["duration", "provider", "model", "service"]);
  expect(names("mo")).toEqual(["model"]);
  expect(names("ide")).toEqual(["provider"]);
  expect(names('provider = "mo')).toEqual([]);
  expect(names("model ")).toEqual([]);
});

it("puts it in the word's place", () => {
  expect(completed('pro and model = "x"', 3, "provider")).toEqual(['provider  and model = "x"', 9]);
});

it("writes conditions that mean the text and nothing else", () => {
  expect(equals("model", 'a"b\\')).toBe('model = "a\\"b\\\\"');
  expect(both("a = 1 or b = 2", "c = 3")).toBe("(a = 1 or b = 2) and c = 3");
  expect(both("a = 1 or b = 2", null)).toBe("a = 1 or b = 2");
  expect(both("", "c = 3", undefined, "  ", "d = 4")).toBe("c = 3 and d = 4");
  expect(both(null, "", "  ")).toBe("");
});

it("asks for no filter where there is none", () => {
  expect(where("")).toEqual({});
  expect(where("a = 1")).toEqual({ filter: "a = 1" });
});

it("a text is quoted so that it stays one", () => {
  expect(quoted("refund")).toBe('"refund"');
  expect(quoted('a "b" \\ c')).toBe('"a \\"b\\" \\\\ c"');
});
