import { describe, expect, it } from "vitest";

import { type Bill, partsOf, rateOf } from "./bill";

const bill = (known: Partial<Bill>): Bill =>
  ({
    ...Object.fromEntries(
      ["input", "cache_read", "cache_write", "output", "other"].map((part) => [`cost_${part}_nanos`, 0]),
    ),
    tokens_input: null,
    tokens_output: null,
    tokens_cache_read: null,
    tokens_cache_write: null,
    tokens_audio_input: null,
    tokens_audio_output: null,
    speech_seconds: null,
    speech_characters: null,
    ...known,
  }) as Bill;

describe("partsOf", () => {
  it("counts cached tokens once", () => {
    const parts = partsOf(
      bill({
        tokens_input: 913,
        tokens_cache_read: 456,
        tokens_output: 76,
        cost_input_nanos: 114_250,
        cost_cache_read_nanos: 11_400,
        cost_output_nanos: 152_000,
      }),
    );
    expect(parts.map(({ name, amount }) => [name, amount])).toEqual([
      ["Input", 457],
      ["Read from cache", 456],
      ["Output", 76],
    ]);
    expect(parts.map(rateOf)).toEqual([250_000_000, 25_000_000, 2_000_000_000]);
  });

  it("bills speech by the hour, or by characters", () => {
    const [heard] = partsOf(bill({ speech_seconds: 10, cost_other_nanos: 800_000 }));
    expect(heard).toEqual({ name: "Audio and speech", amount: 10, unit: "s", cost: 800_000 });
    expect(heard && rateOf(heard)).toBe(288_000_000);
    const [spoken] = partsOf(bill({ speech_characters: 96, cost_other_nanos: 4_800_000 }));
    expect(spoken && rateOf(spoken)).toBe(50_000_000_000);
  });

  it("has no parts where nothing is known", () => {
    expect(partsOf(bill({}))).toEqual([]);
  });
});
