/** Whether this server and what it observes are well, what changed, what is stored and how long there is room. */

import { useState } from "react";

import { bytes, count, duration, whole } from "../../core/format";
import { Failure } from "../../core/ui/Failure";
import { Page } from "../../core/ui/Page";
import { Fives, Stat } from "../../core/ui/Stat";
import { Status } from "../../core/ui/Status";
import { useParam, useRange } from "../../core/url";
import { type Asking, useHealth } from "./asking";
import { Channels } from "./Channels";
import { Components } from "./Components";
import { Events } from "./Events";
import { fullIn } from "./stored";
import { Stored } from "./Stored";
import { knownSince } from "./timeline";

export default function Index() {
  const [component, setComponent] = useParam("component", "", { push: true });
  const [isMore, setMore] = useState(false);
  const asking = useHealth(component, isMore);
  const range = useRange();
  const { health, events, listed } = asking;
  if (health.error !== null && health.data === undefined)
    return (
      <Page title="Health">
        <Failure error={health.error} again={health.again} />
      </Page>
    );
  const nowNs = health.data?.checked_at ?? 0;
  const [startNs, endNs] =
    "start" in range.query
      ? [Date.parse(range.query.start) * 1e6, Date.parse(range.query.end) * 1e6]
      : [nowNs - range.ns, nowNs];
  const known = events.data?.items ?? [];
  const startedNs = nowNs - (health.data?.uptime_s ?? 0) * 1e9;
  const time = { startNs, endNs, knownNs: knownSince(known, events.data?.next_cursor === null, startedNs) };
  const canMore = !isMore && listed.data !== undefined && listed.data.next_cursor !== null;
  return (
    <Page title="Health" actions={health.data !== undefined && <Status state={health.data.state} />}>
      <Numbers asking={asking} />
      <Components
        components={health.data?.components}
        events={known}
        time={time}
        label={range.label}
        onOpen={setComponent}
      />
      <Events
        asked={listed}
        component={component}
        onComponent={setComponent}
        onMore={
          canMore
            ? () => {
                setMore(true);
              }
            : null
        }
      />
      <Channels />
      <Stored asking={asking} />
    </Page>
  );
}

function Numbers({ asking }: { asking: Asking }) {
  const { health, capacity, stored } = asking;
  const all = Object.values(health.data?.components ?? {});
  const well = all.filter((one) => one.state === "healthy").length;
  const rows = stored.data?.tables.reduce((sum, one) => sum + one.rows, 0);
  return (
    <Fives>
      <Stat
        label="Components"
        isLoading={health.data === undefined}
        value={`${well} of ${all.length} healthy`}
        note={health.data && (health.data.state === "healthy" ? "all is well" : `the whole is ${health.data.state}`)}
      />
      <Stat
        label="Up for"
        isLoading={health.data === undefined}
        value={duration((health.data?.uptime_s ?? 0) * 1e9)}
        note={health.data && `version ${health.data.version}`}
      />
      <Stat
        label="Stored"
        isLoading={stored.data === undefined || capacity.data === undefined}
        value={bytes(capacity.data?.used_bytes)}
        note={rows === undefined ? "" : `${count(rows)} rows`}
      />
      <Stat
        label="Comes in"
        isLoading={capacity.data === undefined}
        value={capacity.data?.bytes_per_day == null ? "–" : `${bytes(capacity.data.bytes_per_day)} a day`}
        note={capacity.data && settled(capacity.data.settled_bytes)}
      />
      <Stat
        label="Free disk"
        isLoading={capacity.data === undefined}
        value={bytes(capacity.data?.free_bytes)}
        note={
          capacity.data && (
            <span title={`${whole(capacity.data.kept_free_bytes)} bytes are kept free`}>{fullIn(capacity.data)}</span>
          )
        }
      />
    </Fives>
  );
}

const settled = (comesTo: number | null): string =>
  comesTo === null ? "known after some hours" : `comes to ${bytes(comesTo)} in the end`;
