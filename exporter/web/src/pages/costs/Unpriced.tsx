/** Models whose calls have no price, and how to give them one; nothing where all have. */

import { Link, useSearchParams } from "wouter";

import { type Asking, useAsk } from "../../core/ask";
import { both, equals } from "../../core/complete";
import { count, harmless } from "../../core/format";
import { Columns, Panel } from "../../core/ui/Page";
import { Snippet } from "../../core/ui/Snippet";
import { type Column, Table } from "../../core/ui/Table";
import { withRange } from "../../core/url";
import { priceEntry, REPRICE } from "../calls/bill";
import type { Schemas } from "../../core/client";
import type { Query } from "./Totals";

type Group = Schemas["Cost"];

export function Unpriced({ query, filter, follow }: { query: Query; filter: string; follow: Asking }) {
  const [parameters] = useSearchParams();
  const { data } = useAsk("/api/costs", { query: { ...query, by: ["provider", "model"], limit: 500 } }, follow);
  const found = (data?.items ?? []).filter((one) => (one.unpriced ?? 0) > 0);
  const first = found[0];
  if (first === undefined) return null;
  const columns: Column<Group>[] = [
    {
      key: "model",
      title: "Model",
      cell: ({ labels }) => (
        <Link href={withRange(`/calls?filter=${encodeURIComponent(alone(filter, labels ?? {}))}`, parameters)}>
          {harmless(labels?.["model"] ?? "(none)")}
        </Link>
      ),
    },
    { key: "provider", title: "Provider", cell: ({ labels }) => harmless(labels?.["provider"] ?? "(none)") },
    {
      key: "unpriced",
      title: "Calls without a price",
      align: "right",
      cell: (one) => count(one.unpriced),
      width: "160px",
    },
  ];
  return (
    <Panel title="Calls without a price">
      <Columns min={320}>
        <Table
          label="Models whose calls have no price"
          columns={columns}
          rows={found}
          rowKey={({ labels }) => JSON.stringify(labels)}
          height="240px"
          sortParam="unpriced"
        />
        <div>
          <p className="quiet" style={{ marginTop: 0 }}>
            Their cost is in no sum here. Write what they cost into a file of prices, start the server with it, and
            price what is stored anew:
          </p>
          <Snippet text={priceEntry(first.labels?.["provider"] ?? null, first.labels?.["model"] ?? null)} />
          <Snippet text={REPRICE} />
        </div>
      </Columns>
    </Panel>
  );
}

const alone = (filter: string, labels: Readonly<Record<string, string | null>>): string =>
  both(filter, ...Object.entries(labels).map(([field, value]) => (value === null ? null : equals(field, value))));
