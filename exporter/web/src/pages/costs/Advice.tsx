/** What could be cheaper, with what it would have saved in the time. */

import { Link, useSearchParams } from "wouter";

import { type Asking, useAsk } from "../../core/ask";
import { both, equals } from "../../core/complete";
import { duration, harmless, usd } from "../../core/format";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { Loading } from "../../core/ui/Loading";
import { Panel } from "../../core/ui/Page";
import { useRange, withRange } from "../../core/url";
import classes from "./costs.module.css";
import type { Query } from "./Totals";

/** Of less than that part of the range only its newest calls were looked at: there are very many. */
const ALL = 0.9;

export function Advice({ query, follow }: { query: Query; follow: Asking }) {
  const [parameters] = useSearchParams();
  const { ns } = useRange();
  const { data, error, again } = useAsk("/api/advice", { query: { ...query, limit: 20 } }, { everyMs: follow.everyMs });
  const about = (one: { provider?: string | null; model?: string | null }): string => {
    const { provider, model } = one;
    const wanted = both(query.filter, provider && equals("provider", provider), model && equals("model", model));
    return withRange(`/calls?filter=${encodeURIComponent(wanted)}`, parameters);
  };
  const looked = (data?.end_ns ?? 0) - (data?.start_ns ?? 0);
  const isPart = data !== undefined && looked < ns * ALL;
  return (
    <Panel title={isPart ? `What could be cheaper, by the newest ${duration(looked)}` : "What could be cheaper"} flush>
      {data === undefined ? (
        <div className={classes["coming"]}>
          {error === null ? <Loading height={120} /> : <Failure error={error} again={again} />}
        </div>
      ) : data.items.length === 0 ? (
        <Empty title="Nothing stands out" />
      ) : (
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, and must be reached by keyboard
        <div className={classes["scroll"]} tabIndex={0} role="region" aria-label="Advice">
          <ul className={classes["advice"]}>
            {data.items.map((one) => (
              <li key={`${one.kind ?? ""} ${one.provider ?? ""} ${one.model ?? ""} ${one.asker ?? ""}`}>
                <span className={classes["saves"]}>{usd(one.saves_nanos)}</span>
                <div>
                  <Link href={about(one)}>{harmless(one.model ?? "all models")}</Link>
                  {one.asker && <span className="quiet"> asked by {harmless(one.asker)}</span>}: {one.finding}
                  <p className={classes["mend"]}>{one.mend}</p>
                </div>
              </li>
            ))}
          </ul>
        </div>
      )}
    </Panel>
  );
}
