/** The page that stays open all day: how all is now, and how it went. */

import { useAsk } from "../../core/ask";
import { Failure } from "../../core/ui/Failure";
import { Page } from "../../core/ui/Page";
import { useRange } from "../../core/url";
import { type Asking, useOverview } from "./asking";
import { Charts } from "./Charts";
import { Alerts, Failures, Providers, Runs } from "./Lists";
import classes from "./overview.module.css";
import { Tiles } from "./Tiles";
import { Welcome } from "./Welcome";

export { ahead } from "./asking";

const WAITING_MS = 5_000;

export default function Index() {
  const asking = useOverview(useRange());
  const isSilent = asking.calls.data?.items.length === 0;
  const isEmpty = useIsEmpty(isSilent);
  if (isSilent && isEmpty === undefined) return <Page title="Overview">{null}</Page>;
  return isSilent && isEmpty ? <Welcome /> : <Overview asking={asking} />;
}

/** Whether nothing at all is stored; asked only where there is no call in the time. */
function useIsEmpty(isAsked: boolean): boolean | undefined {
  const { data, error } = useAsk(
    "/api/stats",
    { query: { range: "1m" } },
    { follow: ["traces", "logs"], everyMs: WAITING_MS, enabled: isAsked },
  );
  if (error !== null) return false;
  return data?.tables.every((table) => table.rows === 0);
}

function Overview({ asking }: { asking: Asking }) {
  const failed = [asking.calls, asking.series, asking.alerts].filter((one) => one.error !== null);
  const error = failed.find((one) => one.data === undefined)?.error;
  const late = failed[0]?.error?.problem.title;
  return (
    <Page
      title="Overview"
      actions={late !== undefined && error === undefined && <span className="warn">Not up to date: {late}</span>}
    >
      {error && (
        <Failure
          error={error}
          again={() => {
            asking.calls.again();
            asking.series.again();
            asking.alerts.again();
          }}
        />
      )}
      <Tiles asking={asking} />
      <div className={classes["body"]}>
        <div className={`${classes["column"] ?? ""} ${classes["aside"] ?? ""}`}>
          <Alerts asking={asking} />
          <Runs asking={asking} />
          <Providers asking={asking} />
        </div>
        <div className={classes["column"]}>
          <Charts asking={asking} />
          <Failures asking={asking} />
        </div>
      </div>
    </Page>
  );
}
