/** What one call cost, and why: parts, rates, whose price it is. */

import { useAsk } from "../../core/ask";
import { count, digits, duration, harmless, wholeUsd } from "../../core/format";
import { Failure } from "../../core/ui/Failure";
import { Loading } from "../../core/ui/Loading";
import { Snippet } from "../../core/ui/Snippet";
import { type Bill, type Part, partsOf, priceEntry, rateOf, REPRICE, whyUnpriced } from "./bill";
import classes from "./calls.module.css";

export function BillOf({ span, trace }: { span: string; trace: string | null }) {
  const { data, error, again } = useAsk("/api/llm-calls/{span}/cost", {
    path: { span },
    query: trace === null ? {} : { trace },
  });
  if (error !== null) return <Failure error={error} again={again} />;
  if (data === undefined) return <Loading height={120} />;
  return data.cost_nanos === null ? <Unpriced bill={data} /> : <Priced bill={data} />;
}

function Priced({ bill }: { bill: Bill }) {
  const parts = partsOf(bill);
  return (
    <>
      <table className={classes["bill"]}>
        <caption className="unseen">What the call cost, by part</caption>
        <thead>
          <tr>
            <th scope="col">Part</th>
            <th scope="col">Amount</th>
            <th scope="col">Rate</th>
            <th scope="col">Cost</th>
          </tr>
        </thead>
        <tbody>
          {parts.map((part) => (
            <tr key={part.name}>
              <td>{part.name}</td>
              <td>{amount(part)}</td>
              <td className="quiet">{rate(part)}</td>
              <td>{wholeUsd(part.cost)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <td colSpan={3}>Together</td>
            <td>{wholeUsd(bill.cost_nanos)}</td>
          </tr>
        </tfoot>
      </table>
      <p className={classes["notes"]}>{notes(bill).map(harmless).join(" ")}</p>
    </>
  );
}

function Unpriced({ bill }: { bill: Bill }) {
  const isKnown = bill.unpriced !== null;
  return (
    <>
      <p>
        No price: {harmless(whyUnpriced(bill))}.
        {isKnown && " Write one, start the server again, and price the stored calls anew:"}
      </p>
      {isKnown && (
        <>
          <Snippet text={priceEntry(bill.provider, bill.response_model ?? bill.model)} />
          <Snippet text={REPRICE} />
        </>
      )}
    </>
  );
}

function amount({ amount: many, unit }: Part): string {
  if (many === null) return "–";
  return unit === "s" ? duration(many * 1e9) : `${count(many)} ${unit === "tokens" ? "" : unit}`.trim();
}

function rate(part: Part): string {
  const nanos = rateOf(part);
  if (nanos === null) return "–";
  return `$${digits(nanos / 1e9)} / ${part.unit === "s" ? "h" : "M"}`;
}

function notes(bill: Bill): string[] {
  const said = bill.cost_reported_nanos;
  const off = (bill.cost_nanos ?? 0) - (said ?? 0);
  const since = bill.price_date === null ? "" : `, in force since ${bill.price_date}`;
  return [
    bill.price_version === null ? "" : `Price list: ${bill.price_version}${since}.`,
    bill.tokens_inclusive === false ? "The sender's input tokens leave cached ones out; here they are added." : "",
    bill.tokens_reasoning ? `Of the output, ${count(bill.tokens_reasoning)} tokens are reasoning.` : "",
    said === null
      ? ""
      : `The sender says ${wholeUsd(said)}${off === 0 ? ", the same" : `, ours is ${wholeUsd(Math.abs(off))} ${off > 0 ? "more" : "less"}`}.`,
    bill.is_counted === false ? "Another span tells of the same call: sums leave this one out." : "",
  ].filter((note) => note !== "");
}
