/** SQL over the published views: an editor with the schema beside it, and the rows as a table, a chart or CSV. */

import { Button, Group, Kbd, Menu, Skeleton, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconHistory, IconListSearch, IconPlayerPlay, IconPlayerStop } from "@tabler/icons-react";
import { lazy, Suspense, useMemo, useRef, useState } from "react";

import { useAsk } from "../../core/ask";
import type { CodeHandle } from "../../core/code/Code";
import type { Fault } from "../../core/code/faults";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { Loading } from "../../core/ui/Loading";
import { Page, Panel } from "../../core/ui/Page";
import { useParam } from "../../core/url";
import { EXAMPLES } from "./examples";
import { lineAndColumn, placeOf } from "./places";
import { useRecent } from "./recent";
import { Results } from "./Results";
import classes from "./Sql.module.css";
import { type Statement, useStatement } from "./statement";
import { Views } from "./Views";

const Editor = lazy(() => import("./Editor"));
const NONE: readonly Fault[] = [];
const WIDE = "(min-width: 1024px)";

export default function Sql() {
  const [query, setQuery] = useParam("query", "", { push: true });
  const [recent, remember, forget] = useRecent();
  const [draft, setDraft] = useState(query || (recent[0] ?? EXAMPLES[0]?.query ?? ""));
  const [before, setBefore] = useState(query);
  if (before !== query) {
    setBefore(query);
    if (query !== "") setDraft(query);
  }
  const known = useAsk("/api/views", {}).data;
  const views = useMemo(
    () => known?.items.map(({ name = "", description = "", columns = [] }) => ({ name, description, columns })) ?? [],
    [known],
  );
  const statement = useStatement(query);
  const handle = useRef<CodeHandle>(null);
  const isWide = useMediaQuery(WIDE, true, { getInitialValueInEffect: false });

  const run = (text = draft): void => {
    const wanted = text.trim();
    if (wanted === "") return;
    remember(wanted);
    setDraft(wanted);
    if (wanted === query) statement.again();
    else setQuery(wanted);
  };
  const insert = (text: string): void => {
    handle.current?.insert(text);
  };
  const message = statement.error?.problem.title ?? "";
  const fault = draft.trim() === query ? placeOf(message, draft) : null;
  const tree = <Views views={views} onPick={insert} />;
  return (
    <Page title="SQL">
      {/* oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- Escape ends the statement from anywhere on the page */}
      <div
        className={classes["sides"]}
        onKeyDown={(event) => {
          if (event.key === "Escape" && statement.isRunning) statement.cancel();
        }}
      >
        {isWide && <Panel flush>{tree}</Panel>}
        <div className={classes["main"]}>
          <Panel flush>
            <Suspense fallback={<Skeleton height={170} radius={0} />}>
              <Editor
                value={draft}
                onChange={setDraft}
                onRun={run}
                views={views}
                faults={fault === null ? NONE : [fault]}
                handle={handle}
              />
            </Suspense>
            <div className={classes["bar"]}>
              <Runner statement={statement} onRun={run} />
              <Statements
                title="Examples"
                icon={<IconListSearch size={14} aria-hidden />}
                entries={EXAMPLES}
                onPick={run}
              />
              {recent.length > 0 && (
                <Statements
                  title="Recent"
                  icon={<IconHistory size={14} aria-hidden />}
                  entries={recent.map((one) => ({ title: one, query: one }))}
                  onPick={run}
                  onForget={forget}
                />
              )}
            </div>
          </Panel>
          {!isWide && (
            <details className={`panel ${classes["folded"] ?? ""}`}>
              <summary>Views and columns</summary>
              {tree}
            </details>
          )}
          {statement.error !== null && (
            <div>
              <Failure error={statement.error} />
              {fault !== null && (
                <Button
                  size="compact-xs"
                  variant="subtle"
                  mt={4}
                  onClick={() => {
                    handle.current?.goTo(fault.from);
                  }}
                >
                  Line {lineAndColumn(draft, fault.from)}
                </Button>
              )}
            </div>
          )}
          <Outcome statement={statement} query={query} />
        </div>
      </div>
    </Page>
  );
}

function Runner({ statement, onRun }: { statement: Statement; onRun: () => void }) {
  if (statement.isRunning)
    return (
      <Button
        size="xs"
        variant="default"
        leftSection={<IconPlayerStop size={14} aria-hidden />}
        onClick={statement.cancel}
      >
        Cancel
      </Button>
    );
  return (
    <Button
      size="xs"
      leftSection={<IconPlayerPlay size={14} aria-hidden />}
      onClick={() => {
        onRun();
      }}
    >
      Run
    </Button>
  );
}

function Statements(props: {
  title: string;
  icon: React.ReactNode;
  entries: readonly { title: string; query: string }[];
  onPick: (query: string) => void;
  onForget?: () => void;
}) {
  const { title, icon, entries, onPick, onForget } = props;
  return (
    <Menu position="bottom-start" withinPortal>
      <Menu.Target>
        <Button size="xs" variant="default" leftSection={icon}>
          {title}
        </Button>
      </Menu.Target>
      <Menu.Dropdown className={classes["statements"]}>
        {entries.map((entry) => (
          <Menu.Item
            key={entry.query}
            onClick={() => {
              onPick(entry.query);
            }}
          >
            <Text size="sm" truncate maw={420} className={onForget === undefined ? "" : "mono"} title={entry.query}>
              {entry.title}
            </Text>
          </Menu.Item>
        ))}
        {onForget !== undefined && (
          <>
            <Menu.Divider />
            <Menu.Item onClick={onForget}>Forget them</Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

function Outcome({ statement, query }: { statement: Statement; query: string }) {
  if (statement.isRunning)
    return (
      <Panel title="Running">
        <Loading height={160} />
      </Panel>
    );
  if (statement.error !== null) return null;
  if (statement.answer !== undefined) return <Results answer={statement.answer} query={query} />;
  return (
    <Panel>
      <Empty title={statement.isCancelled ? "Cancelled" : "Ask anything of what is stored"}>
        <Group gap={6} justify="center">
          <Kbd>Ctrl</Kbd>
          <Kbd>Enter</Kbd> runs the statement, <Kbd>Esc</Kbd> cancels it.
        </Group>
      </Empty>
    </Panel>
  );
}
