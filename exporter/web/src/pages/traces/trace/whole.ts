/** A span with all that is stored of it, read from the columns of the API. */

type Known = Readonly<Record<string, unknown>>;
export type Attributes = Readonly<Record<string, string | null>>;

export interface SpanEvent {
  name: string;
  timeNs: number;
  attributes: Attributes;
}

export interface SpanLink {
  traceId: string;
  spanId: string;
  attributes: Attributes;
}

export interface Whole {
  attributes: Attributes;
  resource: Attributes;
  events: readonly SpanEvent[];
  links: readonly SpanLink[];
  scope: Attributes;
  /** Of what its sender let go of, by kind. */
  dropped: readonly (readonly [string, number])[];
  statusMessage: string;
}

const isKnown = (one: unknown): one is Known => typeof one === "object" && one !== null && !Array.isArray(one);
const text = (one: unknown): string => (typeof one === "string" ? one : "");
const number = (one: unknown): number => (typeof one === "number" ? one : 0);
const list = (one: unknown): readonly Known[] => (Array.isArray(one) ? one.filter(isKnown) : []);

function attributesOf(one: unknown): Attributes {
  if (!isKnown(one)) return {};
  return Object.fromEntries(
    Object.entries(one).map(([key, value]) => [
      key,
      value === null || typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

/** Of an answer of /api/spans/{trace}/{span}. */
export function wholeOf(row: Known): Whole {
  const dropped = ["attributes", "events", "links"].map(
    (kind) => [kind, number(row[`dropped_${kind}_count`])] as const,
  );
  return {
    attributes: attributesOf(row["attributes"]),
    resource: attributesOf(row["resource_attributes"]),
    events: list(row["events"]).map((one) => ({
      name: text(one["name"]),
      timeNs: number(one["time_unix_nano"]),
      attributes: attributesOf(one["attributes"]),
    })),
    links: list(row["links"]).map((one) => ({
      traceId: text(one["trace_id"]),
      spanId: text(one["span_id"]),
      attributes: attributesOf(one["attributes"]),
    })),
    scope: {
      ...(text(row["scope_name"]) === "" ? {} : { name: text(row["scope_name"]) }),
      ...(text(row["scope_version"]) === "" ? {} : { version: text(row["scope_version"]) }),
      ...(text(row["scope_schema_url"]) === "" ? {} : { schema: text(row["scope_schema_url"]) }),
      ...attributesOf(row["scope_attributes"]),
    },
    dropped: dropped.filter(([, count]) => count > 0),
    statusMessage: text(row["status_message"]),
  };
}

/** Those whose name or value has the text in it, by name. */
export function matching(attributes: Attributes, wanted: string): [string, string][] {
  const sought = wanted.trim().toLowerCase();
  return Object.entries(attributes)
    .map(([key, value]): [string, string] => [key, value ?? ""])
    .filter(([key, value]) => key.toLowerCase().includes(sought) || value.toLowerCase().includes(sought))
    .sort(([one], [other]) => (one < other ? -1 : 1));
}
