/** Budgets as they stand: how much of each is used, and what its period is expected to come to. */

import { Button } from "@mantine/core";
import { IconPencil, IconPlus } from "@tabler/icons-react";
import { useState } from "react";

import { useAsk } from "../../core/ask";
import { count, day, duration, harmless, ratio, usd } from "../../core/format";
import { useNow } from "../../core/now";
import { Empty } from "../../core/ui/Empty";
import { Loading } from "../../core/ui/Loading";
import { Panel } from "../../core/ui/Page";
import { Status } from "../../core/ui/Status";
import { Bar } from "./Bar";
import { type Budget, scopeOf } from "./budget";
import { BudgetForm } from "./BudgetForm";
import classes from "./costs.module.css";

/** States of budgets in the words of states that have a sign. */
const SIGNS = { ok: "ok", warning: "warning", exceeded: "firing", incomplete: "degraded" } as const;
const ORIGINS: Readonly<Record<string, string>> = {
  api: "made here",
  default: "comes with otel-ax, until one is made",
};

interface Props {
  budgets: readonly Budget[] | undefined;
  chosen: string;
  onChoose: (name: string) => void;
  onChange: () => void;
}

export function Budgets({ budgets, chosen, onChoose, onChange }: Props) {
  const [edited, edit] = useState<Budget | "new" | null>(null);
  const session = useAsk("/api/session", {});
  const mayChange = session.data?.scopes.includes("admin") ?? false;
  const done = (): void => {
    edit(null);
    onChange();
  };
  return (
    <Panel
      title="Budgets"
      flush
      actions={
        mayChange && (
          <Button
            size="compact-xs"
            variant="default"
            leftSection={<IconPlus size={13} aria-hidden />}
            onClick={() => {
              edit("new");
            }}
          >
            New budget
          </Button>
        )
      }
    >
      {budgets === undefined ? (
        <div className={classes["coming"]}>
          <Loading height={100} />
        </div>
      ) : budgets.length === 0 ? (
        <Empty title="No budget">One tells you before the money is gone.</Empty>
      ) : (
        <ul className={classes["budgets"]}>
          {budgets.map((budget) => (
            <One
              key={budget.name}
              budget={budget}
              isChosen={budget.name === chosen && budgets.length > 1}
              onChoose={onChoose}
              onEdit={mayChange ? edit : null}
            />
          ))}
        </ul>
      )}
      {edited !== null && (
        <BudgetForm
          budget={edited === "new" ? null : edited}
          by={session.data?.name ?? null}
          onDone={done}
          onClose={() => {
            edit(null);
          }}
        />
      )}
    </Panel>
  );
}

function One(props: {
  budget: Budget;
  isChosen: boolean;
  onChoose: (name: string) => void;
  onEdit: ((budget: Budget) => void) | null;
}) {
  const { budget, isChosen, onChoose, onEdit } = props;
  const name = harmless(budget.name);
  return (
    <li className={classes["budget"]} data-chosen={isChosen || undefined}>
      <div className={classes["budgetHead"]}>
        <button
          type="button"
          className={classes["budgetName"]}
          aria-pressed={isChosen}
          title={`Show what is expected of ${name}`}
          onClick={() => {
            onChoose(budget.name);
          }}
        >
          {name}
        </button>
        <Status state={SIGNS[budget.state]} label={budget.state} />
        <span className={classes["money"]}>
          {usd(budget.spent_nanos)} <span className="quiet">of {usd(budget.limit_nanos)}</span> ·{" "}
          {ratio(budget.used_ratio)}
        </span>
      </div>
      <Bar budget={budget} />
      <div className={classes["budgetFoot"]}>
        <Period budget={budget} />
        <span>{harmless(scopeOf(budget.scope))}</span>
        {budget.unpriced > 0 && <span className="warn">{count(budget.unpriced)} calls without a price</span>}
        {budget.late_nanos > 0 && <span>{usd(budget.late_nanos)} came late to the period before</span>}
        {budget.origin === "api" && onEdit !== null ? (
          <Button
            size="compact-xs"
            variant="subtle"
            color="gray"
            leftSection={<IconPencil size={13} aria-hidden />}
            aria-label={`Change ${name}`}
            onClick={() => {
              onEdit(budget);
            }}
          >
            Change
          </Button>
        ) : (
          <span>{ORIGINS[budget.origin] ?? `declared in ${harmless(budget.origin)}: change it there`}</span>
        )}
      </div>
    </li>
  );
}

function Period({ budget }: { budget: Budget }) {
  const now = useNow(30_000);
  const left = budget.period_end_unix_nano - now * 1e6;
  const what = budget.per === "custom" ? `until ${day(budget.period_end_unix_nano)}` : `a ${budget.per}`;
  return (
    <span>
      {what}, {left > 0 ? `${duration(Math.round(left / 60e9) * 60e9)} left` : "over"} ({budget.zone})
    </span>
  );
}
