/** What a call cost, by what was paid for, and by which price list. */

import { useAsk } from "../../../core/ask";
import type { Schemas } from "../../../core/client";
import { count, wholeUsd } from "../../../core/format";
import { Failure } from "../../../core/ui/Failure";
import { Loading } from "../../../core/ui/Loading";
import classes from "./Pane.module.css";

type Bill = Schemas["Bill"];

/** Tokens that are paid for at a price of their own; the input's are told with those that were cached in them. */
function lines(bill: Bill): { name: string; tokens: number | null; cost: number | null }[] {
  const cached = (bill.tokens_cache_read ?? 0) + (bill.tokens_cache_write ?? 0);
  const input = bill.tokens_input === null ? null : bill.tokens_input - (bill.tokens_inclusive === true ? cached : 0);
  return [
    { name: "Input", tokens: input, cost: bill.cost_input_nanos },
    { name: "Input read from the cache", tokens: bill.tokens_cache_read, cost: bill.cost_cache_read_nanos },
    { name: "Input written to the cache", tokens: bill.tokens_cache_write, cost: bill.cost_cache_write_nanos },
    { name: "Output", tokens: bill.tokens_output, cost: bill.cost_output_nanos },
    { name: "Other", tokens: null, cost: bill.cost_other_nanos },
  ].filter(({ tokens, cost }) => (tokens ?? 0) > 0 || (cost ?? 0) > 0);
}

export function Bill({ trace, span }: { trace: string; span: string }) {
  const { data, error, again } = useAsk("/api/llm-calls/{span}/cost", { path: { span }, query: { trace } });
  if (error !== null) return <Failure error={error} again={again} />;
  if (data === undefined) return <Loading height={120} />;
  return (
    <section className={classes["part"]} aria-label="Bill">
      <table className={classes["bill"]}>
        <thead>
          <tr>
            <th scope="col">Paid for</th>
            <th scope="col">Tokens</th>
            <th scope="col">Cost</th>
          </tr>
        </thead>
        <tbody>
          {lines(data).map(({ name, tokens, cost }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{count(tokens)}</td>
              <td>{wholeUsd(cost)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">Together</th>
            <td>{count((data.tokens_input ?? 0) + (data.tokens_output ?? 0))}</td>
            <td>{wholeUsd(data.cost_nanos)}</td>
          </tr>
        </tfoot>
      </table>
      <p className={classes["none"]}>
        {data.tokens_reasoning !== null && `Of the output, ${count(data.tokens_reasoning)} tokens were reasoning. `}
        {data.unpriced !== null && <span className="warn">Not priced: {data.unpriced}. </span>}
        {data.price_version !== null &&
          `Prices of ${data.price_version}${data.price_date === null ? "" : `, as of ${data.price_date}`}. `}
        {data.cost_reported_nanos !== null && `Its sender reported ${wholeUsd(data.cost_reported_nanos)}. `}
        {data.is_counted === false && "Not counted: the calls within it tell the same tokens."}
      </p>
    </section>
  );
}
