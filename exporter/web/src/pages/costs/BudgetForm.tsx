/** Makes, changes or deletes a budget; what the server refuses is said beside the field that it is about. */

import { Alert, Button, Group, Modal, NativeSelect, Stack, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";

import { api, type Problem, Refused, taken } from "../../core/client";
import { type Budget, definitionOf, fieldOf, type Form, formOf, PERIODS, SCOPES } from "./budget";
import classes from "./costs.module.css";

interface Props {
  /** Null for a new one. */
  budget: Budget | null;
  by: string | null;
  onDone: () => void;
  onClose: () => void;
}

const UNREACHABLE: Problem = {
  title: "the server does not answer",
  status: 0,
  mend: "look whether ax serve still runs",
  retryable: true,
};

export function BudgetForm({ budget, by, onDone, onClose }: Props) {
  const [form, setForm] = useState(() => formOf(budget));
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [isDeleting, setDeleting] = useState(false);
  const wrong = fieldOf(problem?.field);

  const act = async (change: () => Promise<unknown>): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await change();
      onDone();
    } catch (error) {
      setProblem(error instanceof Refused ? error.problem : UNREACHABLE);
      setBusy(false);
    }
  };
  const save = async (): Promise<unknown> => {
    const body = { budget: definitionOf(form, budget?.definition), by };
    if (budget === null) return taken(await api.POST("/api/budgets", { body }));
    return taken(await api.PUT("/api/budgets/{name}", { params: { path: { name: budget.name } }, body }));
  };
  const remove = async (): Promise<void> => {
    taken(await api.DELETE("/api/budgets/{name}", { params: { path: { name: budget?.name ?? "" } } }));
  };

  const field = (
    name: Exclude<keyof Form, "scope">,
  ): { value: string; onChange: (event: Changed) => void; error?: string } => ({
    value: form[name],
    onChange: (event) => {
      setForm({ ...form, [name]: event.currentTarget.value });
    },
    ...(wrong === name && problem !== null ? { error: `${problem.title}: ${problem.mend}` } : {}),
  });
  const isShown = wrong !== "" && (wrong in form || wrong === "scope");
  return (
    <Modal opened onClose={onClose} title={budget === null ? "New budget" : `Change ${budget.name}`} size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void act(save);
        }}
      >
        <Stack gap="sm">
          {problem !== null && (!isShown || wrong === "scope") && (
            <Alert color="red" title={problem.title}>
              {problem.mend}
            </Alert>
          )}
          <div className={classes["twoFields"]}>
            <TextInput label="Name" required readOnly={budget !== null} data-autofocus {...field("name")} />
            <TextInput label="Amount" required leftSection="$" inputMode="decimal" {...field("usd")} />
            <NativeSelect label="Period" data={[...PERIODS]} {...field("per")} />
            <TextInput label="Time zone" required {...field("zone")} />
            {form.per === "custom" && (
              <>
                <TextInput type="date" label="From" required {...field("start")} />
                <TextInput type="date" label="Until before" required {...field("end")} />
              </>
            )}
            {(form.per === "month" || form.per === "quarter") && (
              <TextInput label="Begins on day" placeholder="1" inputMode="numeric" {...field("anchor")} />
            )}
            <TextInput label="Tell at" description="Percents of the amount" {...field("alertAt")} />
          </div>
          <fieldset className={classes["fieldset"]}>
            <legend>Whose spend counts: empty for all, commas between several</legend>
            <div className={classes["twoFields"]}>
              {SCOPES.map((name) => (
                <TextInput
                  key={name}
                  size="xs"
                  label={name}
                  value={form.scope[name]}
                  onChange={(event) => {
                    setForm({ ...form, scope: { ...form.scope, [name]: event.currentTarget.value } });
                  }}
                />
              ))}
            </div>
          </fieldset>
          <Textarea label="Description" autosize minRows={1} maxRows={4} {...field("description")} />
          <Group justify="space-between">
            {budget === null ? (
              <span />
            ) : (
              <Button
                color="red"
                variant={isDeleting ? "filled" : "subtle"}
                disabled={isBusy}
                onClick={() => {
                  if (isDeleting) void act(remove);
                  else setDeleting(true);
                }}
              >
                {isDeleting ? `Really delete ${budget.name}` : "Delete"}
              </Button>
            )}
            <Group gap="xs">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button type="submit" loading={isBusy}>
                {budget === null ? "Make it" : "Save"}
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

type Changed = React.ChangeEvent<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>;
