import { expect, test } from "vitest";

import { MOST_FOLLOWED, type Record } from "./records";
import { type Event, reduce, START, type State } from "./reduce";

const record = (second: number): Record => ({ time_ns: second * 1e9, ingest_us: second * 1e6, body: `at ${second}` });
const seconds = (state: State): number[] => state.rows.map((row) => (row.record.time_ns ?? 0) / 1e9);
const first = (...at: number[]): Event => ({
  type: "first",
  question: "q",
  records: at.map(record),
  cursor: "older",
});
const told = (at: number[], more: Partial<Event & { type: "told" }> = {}): Event => ({
  type: "told",
  question: "q",
  records: at.map(record),
  isAnew: false,
  isFull: false,
  leftOut: 0,
  isHeld: false,
  sinceNs: 0,
  ...more,
});
const after = (...events: Event[]): State => events.reduce(reduce, START);

test("what is told stands above the first page, each record once", () => {
  expect(seconds(after(first(3, 2), told([5, 4]), told([3], { isAnew: true })))).toEqual([5, 4, 3, 2]);
});

test("what is told before the first answer is not lost", () => {
  expect(seconds(after(told([4, 3], { isAnew: true }), first(3, 2)))).toEqual([4, 3, 2]);
});

test("what is told of another question is not shown", () => {
  expect(seconds(after(first(3, 2), told([9], { question: "other" })))).toEqual([3, 2]);
});

test("while somebody reads it waits, and is counted", () => {
  const held = after(first(1), told([3, 2], { isHeld: true, leftOut: 4 }));
  expect(seconds(held)).toEqual([1]);
  expect(held.waited).toBe(6);
  const released = reduce(held, { type: "release" });
  expect(seconds(released)).toEqual([3, 2, 1]);
  expect(released.waited).toBe(0);
  expect(released.rows[1]?.leftOut).toBe(4);
});

test("however long it follows, it keeps no more than so many", () => {
  let state = after(first(1));
  for (let at = 10; at < 10 + 2 * MOST_FOLLOWED; at += 500) {
    state = reduce(state, told(Array.from({ length: 500 }, (_, less) => at + 499 - less)));
  }
  expect(state.rows.length).toBe(MOST_FOLLOWED);
  expect(state.hasOlder).toBe(true);
  expect(state.cursor).toBeNull();
  for (let at = 10_000; at < 10_000 + 2 * MOST_FOLLOWED; at += 500) {
    state = reduce(
      state,
      told(
        Array.from({ length: 500 }, (_, less) => at + 499 - less),
        { isHeld: true },
      ),
    );
  }
  expect(state.waiting.length).toBe(MOST_FOLLOWED);
  expect(state.waited).toBe(2 * MOST_FOLLOWED);
});

test("what is older than the range is let go", () => {
  expect(seconds(after(first(3, 2, 1), told([60], { sinceNs: 2.5e9 })))).toEqual([60, 3]);
});
