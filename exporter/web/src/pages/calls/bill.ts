/** A bill by parts, each counted once: what was read from the cache is not in the input again. */

import type { Schemas } from "../../core/client";

export type Bill = Schemas["Bill"];

export interface Part {
  name: string;
  amount: number | null;
  unit: "tokens" | "s" | "characters";
  cost: number | null;
}

export function partsOf(bill: Bill): Part[] {
  const cached = (bill.tokens_cache_read ?? 0) + (bill.tokens_cache_write ?? 0);
  const fresh = bill.tokens_input === null ? null : Math.max(bill.tokens_input - cached, 0);
  const spoken = [bill.tokens_audio_input, bill.tokens_audio_output, bill.speech_seconds, bill.speech_characters];
  const parts: Part[] = [
    { name: "Input", amount: fresh, unit: "tokens", cost: bill.cost_input_nanos },
    { name: "Read from cache", amount: bill.tokens_cache_read, unit: "tokens", cost: bill.cost_cache_read_nanos },
    { name: "Written to cache", amount: bill.tokens_cache_write, unit: "tokens", cost: bill.cost_cache_write_nanos },
    { name: "Output", amount: bill.tokens_output, unit: "tokens", cost: bill.cost_output_nanos },
    spoken.some((amount) => amount !== null) ? speech(bill) : { ...NO_SPEECH, cost: bill.cost_other_nanos },
  ];
  return parts.filter(({ amount, cost }) => Boolean(amount) || Boolean(cost));
}

const NO_SPEECH: Part = { name: "Other", amount: null, unit: "tokens", cost: null };

function speech({ speech_seconds, speech_characters, ...bill }: Bill): Part {
  const common = { name: "Audio and speech", cost: bill.cost_other_nanos };
  if (speech_seconds !== null) return { ...common, amount: speech_seconds, unit: "s" };
  if (speech_characters !== null) return { ...common, amount: speech_characters, unit: "characters" };
  return { ...common, amount: (bill.tokens_audio_input ?? 0) + (bill.tokens_audio_output ?? 0), unit: "tokens" };
}

/** What a unit was billed at: nano-dollars for a million of what is counted, or for an hour. */
export function rateOf({ amount, unit, cost }: Part): number | null {
  if (!amount || cost === null || cost === 0) return null;
  return (cost / amount) * (unit === "s" ? 3_600 : 1e6);
}

/** Why there is no price, and what to do. */
export function whyUnpriced(bill: Bill): string {
  if (bill.unpriced !== null) return bill.unpriced;
  return bill.is_counted === false ? "it is not a call that counts: another span tells of the same one" : "not known";
}

/** An entry of the file of prices that would price it. */
export const priceEntry = (provider: string | null, model: string | null): string =>
  `# prices.toml, named by AX_PRICES where \`ax serve\` starts
version = "ours"

[[price]]
provider = ${JSON.stringify(provider ?? "openai")}
model = ${JSON.stringify(model ?? "our-model")}
input_mtok = 1.25 # US dollars for a million tokens
output_mtok = 10.0`;

export const REPRICE = "ax cost reprice --since 7d";
