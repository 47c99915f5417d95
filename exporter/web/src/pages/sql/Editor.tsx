/** The editor of SQL, which knows the views and their columns. */

import { snippetCompletion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { PostgreSQL, sql } from "@codemirror/lang-sql";
import { type Ref, useMemo } from "react";

import Code, { type CodeHandle } from "../../core/code/Code";
import type { Fault } from "../../core/code/faults";
import type { View } from "./Views";

const PHRASES = [
  snippetCompletion("time_bucket(interval ${1 minute}, start_time)", { label: "time_bucket", type: "function" }),
  snippetCompletion("quantile_cont(${duration_ns}, ${0.95})", { label: "quantile_cont", type: "function" }),
  snippetCompletion("start_time > now() - interval ${1 hour}", { label: "in the last hour", type: "text" }),
];

export interface EditorProps {
  value: string;
  onChange: (value: string) => void;
  onRun: () => void;
  views: readonly View[];
  faults: readonly Fault[];
  handle: Ref<CodeHandle>;
}

export default function Editor({ views, ...rest }: EditorProps) {
  const knows = useMemo(
    () => [
      sql({
        dialect: PostgreSQL,
        schema: Object.fromEntries(
          views.map(({ name, columns }) => [
            name,
            columns.map((column) => ({ label: column.name, detail: short(column.type) })),
          ]),
        ),
      }),
      PostgreSQL.language.data.of({ autocomplete: (context: CompletionContext) => columnsOf(context, views) }),
    ],
    [views],
  );
  return <Code label="Statement" knows={knows} minHeight={150} maxHeight="42vh" placeholder="select …" {...rest} />;
}

/** Columns of the views that the statement names. */
function columnsOf(context: CompletionContext, views: readonly View[]): CompletionResult | null {
  const word = context.matchBefore(/[\w.]+/);
  if (word === null || word.text.includes(".")) return null;
  const text = context.state.doc.toString();
  const named = views.filter(({ name }) => new RegExp(`\\b${name}\\b`).test(text));
  const columns = new Map(named.flatMap((view) => view.columns).map((column) => [column.name, column]));
  const options = [...columns.values()].map(({ name, type }) => ({
    label: name,
    detail: short(type),
    type: "property",
    boost: 1,
  }));
  return { from: word.from, options: [...options, ...PHRASES], validFor: /^\w*$/ };
}

const short = (type: string): string => type.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ").toLowerCase();
