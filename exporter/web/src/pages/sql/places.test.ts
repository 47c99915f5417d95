import { expect, test } from "vitest";

import { lineAndColumn, placeOf } from "./places";

test("the word that an error names", () => {
  const query = "select model,\n  modell from llm_calls";
  const place = placeOf('Binder Error: Referenced column "modell" not found in FROM clause!', query);
  expect(place).toEqual({ from: 16, to: 22 });
  expect(lineAndColumn(query, place?.from ?? 0)).toBe("2:3");
});

test("a word at the beginning, a view, and nothing", () => {
  expect(placeOf('Parser Error: syntax error at or near "selec"', "selec 1")).toEqual({ from: 0, to: 5 });
  expect(placeOf("Catalog Error: Table with name calls does not exist!", "from calls")).toEqual({ from: 5, to: 10 });
  expect(placeOf("it took longer than 10 s", "select 1")).toBeNull();
  expect(placeOf('at or near "("', "select (")).toEqual({ from: 7, to: 8 });
});
