import { describe, expect, it } from "vitest";

import { type Change, inWords, knownSince, type State, stretches } from "./timeline";

const LETTERS: Record<State, string> = { healthy: "h", degraded: "d", unhealthy: "u" };
const WORDS: Record<string, State | null> = { h: "healthy", d: "degraded", u: "unhealthy", ".": null };

/** `"5hd 2du"`: at 5 from healthy to degraded, newest first. */
const changes = (text: string): Change[] =>
  text
    .split(" ")
    .filter((one) => one !== "")
    .map((one) => ({
      at: Number(one.slice(0, -2)),
      component: "disk",
      from_state: WORDS[one.at(-2) ?? ""] ?? null,
      to_state: WORDS[one.at(-1) ?? ""] ?? null,
    }));

/** One letter for each second of the first ten. */
const drawn = (text: string, now: State, known = 0): string => {
  const all = stretches(changes(text), "disk", now, { startNs: 0, endNs: 10, knownNs: known });
  return Array.from({ length: 10 }, (_, at) => {
    const one = all.find(({ startNs, endNs }) => startNs <= at && at < endNs);
    return one === undefined ? "." : LETTERS[one.state];
  }).join("");
};

describe("stretches", () => {
  it("are as it is now, where nothing changed", () => {
    expect(drawn("", "healthy")).toBe("hhhhhhhhhh");
  });

  it("go back through changes", () => {
    expect(drawn("8dh 5hd", "healthy")).toBe("hhhhhdddhh");
    expect(drawn("8ud 3hu", "degraded")).toBe("hhhuuuuudd");
  });

  it("know nothing of what came before all that is told", () => {
    expect(drawn("8dh", "healthy", 4)).toBe("....ddddhh");
  });

  it("are not there while the component was not", () => {
    expect(drawn("6.d", "degraded")).toBe("......dddd");
  });

  it("leave out what changed after the time, and of others", () => {
    expect(drawn("12du 11hd", "unhealthy")).toBe("hhhhhhhhhh");
    const others = changes("5hd").map((one) => ({ ...one, component: "memory" }));
    expect(stretches(others, "disk", "healthy", { startNs: 0, endNs: 10, knownNs: 0 })).toHaveLength(1);
  });
});

it("knows since the first change or the start", () => {
  expect(knownSince([], true, 7)).toBe(7);
  expect(knownSince(changes("9hd 3dh"), true, 7)).toBe(3);
  expect(knownSince(changes("9hd 8dh"), true, 7)).toBe(7);
  expect(knownSince(changes("9hd 8dh"), false, 7)).toBe(8);
});

it("says what share of the time it was how", () => {
  const at = (startNs: number, endNs: number, state: State) => ({ startNs, endNs, state });
  expect(inWords([])).toBe("not known");
  expect(inWords([at(0, 5, "healthy")])).toBe("healthy all the time");
  expect(inWords([at(0, 9, "healthy"), at(9, 10, "unhealthy")])).toBe("unhealthy 10 % of it, healthy 90 % of it");
});
