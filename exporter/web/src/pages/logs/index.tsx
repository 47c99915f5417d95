/** Log records: searched, counted by level, followed as they come. */

import { Button, Group } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useCallback, useState } from "react";

import { Refused } from "../../core/client";
import { both } from "../../core/complete";
import { count } from "../../core/format";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { FilterBar } from "../../core/ui/FilterBar";
import { Loading } from "../../core/ui/Loading";
import { Page, Panel } from "../../core/ui/Page";
import { useParams, useRange } from "../../core/url";
import { csv, save } from "./download";
import { chosen, condition } from "./severity";
import { Levels } from "./Levels";
import { List } from "./List";
import classes from "./logs.module.css";
import { Search } from "./Search";
import { useRecords } from "./useRecords";

const SNIPPET = `import logging, otel_ax

otel_ax.init(service_name="shop")
logging.getLogger("shop").warning("payment refused", extra={"order.id": "7"})`;

export default function Logs() {
  const range = useRange();
  const [parameters, set] = useParams();
  const search = parameters.get("search") ?? "";
  const filter = parameters.get("filter") ?? "";
  const level = parameters.get("level") ?? "";
  const narrowed = both(filter, condition(chosen(level)));
  const [isReading, setReading] = useState(false);
  const records = useRecords({ range, search, filter: narrowed, isHeld: isReading });
  const { rows, error } = records;
  const isNarrow = search !== "" || narrowed !== "";
  const { zoom } = range;
  const showTime = useCallback(
    (startNs: number, endNs: number) => {
      zoom(startNs, endNs);
    },
    [zoom],
  );
  const isAsked = error?.problem.field === "filter" || error?.problem.field === "search";

  return (
    <Page
      title="Logs"
      actions={
        rows !== undefined &&
        rows.length > 0 && (
          <Download
            query={{ ...range.query, ...(search && { search }), ...(narrowed && { filter: narrowed }) }}
            most={rows.length}
          />
        )
      }
      filters={
        <Group gap="xs" align="flex-start">
          <Search error={error} />
          <div className={classes["filter"]}>
            <FilterBar subject="logs" placeholder={'service = "shop" and http.route ~ "/chat*"'} error={error} />
          </div>
        </Group>
      }
    >
      <Panel>
        <Levels range={range} search={search} filter={filter} />
      </Panel>
      {error !== null && !isAsked && <Failure error={error} again={records.again} />}
      <Panel flush>
        {rows === undefined ? (
          error === null && <Loading height={400} />
        ) : rows.length > 0 ? (
          <List records={records} rows={rows} onReading={setReading} onTime={showTime} />
        ) : isNarrow ? (
          <Empty title="No record of this time is found">
            <Button
              size="xs"
              variant="default"
              onClick={() => {
                set({ search: null, filter: null, level: null }, true);
              }}
            >
              Show all records
            </Button>
          </Empty>
        ) : (
          <Empty title={`No log records in the ${range.isRelative ? range.label : "chosen time"}`} snippet={SNIPPET}>
            What your program logs appears here, beside its traces. To look at an example: <code>ax demo</code>
          </Empty>
        )}
      </Panel>
    </Page>
  );
}

function Download({ query, most }: { query: Readonly<Record<string, string>>; most: number }) {
  const [failed, setFailed] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const download = async (): Promise<void> => {
    setBusy(true);
    setFailed(null);
    try {
      save("logs.csv", await csv(query, most), "text/csv");
    } catch (error) {
      setFailed(error instanceof Refused ? error.problem.title : "the server does not answer");
    }
    setBusy(false);
  };
  return (
    <>
      {failed !== null && (
        <span className="bad" role="alert">
          {failed}
        </span>
      )}
      <Button
        size="xs"
        variant="default"
        loading={isBusy}
        leftSection={<IconDownload size={14} aria-hidden />}
        aria-label={`Download these ${most} records as CSV`}
        onClick={() => {
          void download();
        }}
      >
        CSV of {count(most)}
      </Button>
    </>
  );
}
