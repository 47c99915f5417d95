/** A rule as text, with what it says now and would have said; saved where it was made here. */

import { Button, Select, Skeleton, Text, TextInput } from "@mantine/core";
import { IconDeviceFloppy, IconHistory, IconPlayerPlay } from "@tabler/icons-react";
import { lazy, type ReactNode, Suspense, useRef, useState } from "react";

import { Refused } from "../../core/client";
import type { CodeHandle } from "../../core/code/Code";
import type { Fault } from "../../core/code/faults";
import { harmless } from "../../core/format";
import { Failure } from "../../core/ui/Failure";
import { Panel } from "../../core/ui/Page";
import classes from "./Alerts.module.css";
import type { Definition } from "./asked";
import { NowSays, WouldHave } from "./Trial";
import { backtest, type Backtested, test, type Tested } from "./trials";
import { placeOf, read } from "./written";

const RuleText = lazy(() => import("./RuleText"));
const NONE: readonly Fault[] = [];

type Found = { kind: "now"; found: Tested } | { kind: "past"; found: Backtested; range: string };

export interface RuleFormProps {
  text: string;
  /** Where it cannot be changed: why. */
  readOnly?: ReactNode;
  /** Its group can be chosen. */
  hasGroup?: boolean;
  /** Keeps it; where it throws `Refused`, that is shown at its place. */
  onSave?: (definition: Definition, group: string) => Promise<void>;
  more?: ReactNode;
}

export function RuleForm({ text, readOnly, hasGroup = false, onSave, more }: RuleFormProps) {
  const [draft, setDraft] = useState(text);
  const [before, setBefore] = useState(text);
  const [group, setGroup] = useState("api");
  const [range, setRange] = useState("24h");
  const [doing, setDoing] = useState<"now" | "past" | "save" | null>(null);
  const [found, setFound] = useState<Found | null>(null);
  const [error, setError] = useState<Refused | null>(null);
  const [mistake, setMistake] = useState<{ message: string; fault: Fault } | null>(null);
  const handle = useRef<CodeHandle>(null);
  if (before !== text) {
    setBefore(text);
    setDraft(text);
  }

  const attempt = async (what: "now" | "past" | "save", run: (rule: Definition) => Promise<void>): Promise<void> => {
    setError(null);
    const written = read(draft);
    setMistake(written.mistake);
    if (written.definition === null) return;
    setDoing(what);
    try {
      await run(written.definition);
    } catch (problem) {
      if (!(problem instanceof Refused)) throw problem;
      const field = problem.problem.field ?? "";
      if (field.startsWith("rule"))
        setMistake({
          message: `${problem.problem.title}; ${problem.problem.mend}`,
          fault: placeOf(draft, problem.problem),
        });
      else setError(problem);
    } finally {
      setDoing(null);
    }
  };
  const tryNow = (): void => {
    void attempt("now", async (rule) => {
      setFound({ kind: "now", found: await test({ rule }) });
    });
  };
  return (
    <>
      <Panel flush>
        <Suspense fallback={<Skeleton height={220} radius={0} />}>
          <RuleText
            label="Rule"
            value={draft}
            onChange={(value) => {
              setDraft(value);
              setMistake(null);
            }}
            onRun={tryNow}
            isReadOnly={onSave === undefined}
            faults={mistake === null ? NONE : [mistake.fault]}
            handle={handle}
            minHeight={200}
          />
        </Suspense>
        {mistake !== null && (
          <div className={classes["said"]}>
            <button
              type="button"
              className={classes["mistake"]}
              onClick={() => {
                handle.current?.goTo(mistake.fault.from);
              }}
            >
              <span role="alert">{`${lineAndColumn(draft, mistake.fault.from)}: ${harmless(mistake.message)}`}</span>
            </button>
          </div>
        )}
        {readOnly !== undefined && (
          <Text size="sm" className={`quiet ${classes["said"] ?? ""}`} component="div">
            {readOnly}
          </Text>
        )}
        <div className={classes["acts"]}>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlayerPlay size={14} aria-hidden />}
            loading={doing === "now"}
            onClick={tryNow}
          >
            Test now
          </Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconHistory size={14} aria-hidden />}
            loading={doing === "past"}
            onClick={() => {
              void attempt("past", async (rule) => {
                setFound({ kind: "past", found: await backtest({ rule }, range), range });
              });
            }}
          >
            Backtest
          </Button>
          <Select
            size="xs"
            w={86}
            aria-label="Backtest over"
            data={["1h", "24h", "7d"]}
            value={range}
            allowDeselect={false}
            onChange={(value) => {
              setRange(value ?? "24h");
            }}
          />
          <span className={classes["fill"]} />
          {more}
          {hasGroup && (
            <TextInput
              size="xs"
              w={130}
              aria-label="Group"
              leftSection={<span className="unseen">Group</span>}
              leftSectionWidth={0}
              value={group}
              onChange={(event) => {
                setGroup(event.currentTarget.value);
              }}
            />
          )}
          {onSave !== undefined && (
            <Button
              size="xs"
              leftSection={<IconDeviceFloppy size={14} aria-hidden />}
              loading={doing === "save"}
              disabled={draft === text && !hasGroup}
              onClick={() => {
                void attempt("save", (rule) => onSave(rule, group));
              }}
            >
              Save
            </Button>
          )}
        </div>
      </Panel>
      {error !== null && <Failure error={error} />}
      {found?.kind === "now" && <NowSays found={found.found} />}
      {found?.kind === "past" && <WouldHave found={found.found} range={found.range} />}
    </>
  );
}

function lineAndColumn(text: string, at: number): string {
  const lines = text.slice(0, at).split("\n");
  return `${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`;
}
