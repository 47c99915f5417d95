/** What a record has beside its body, and what each is called in the filter language. */

import type { Record } from "./records";

export interface Field {
  name: string;
  value: string;
  /** What a filter calls it; null where no filter can ask for it. */
  asked: string | null;
}

/** Names that a filter takes for an attribute have a dot. */
const ATTRIBUTE = /^[A-Za-z_][\w-]*(\.[\w-]+)+$/;

export function fieldsOf(record: Record): Field[] {
  const own: [string, string | null | undefined, string | null][] = [
    ["level", levelText(record), null],
    ["service", record.service_name, "service"],
    ["event", record.event_name, "event"],
    ["error", record.error_type, "error"],
    ["trace", record.trace_id, "trace"],
    ["span", record.span_id, "span"],
  ];
  const fields = own.flatMap(([name, value, asked]) => (value ? [{ name, value, asked }] : []));
  const attributes = Object.entries(record.attributes ?? {})
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => ({ name, value: value ?? "", asked: ATTRIBUTE.test(name) ? name : null }));
  return [...fields, ...attributes];
}

function levelText({ severity_number: number, severity_text: text }: Record): string {
  return `${text ?? ""} (${number ?? 0})`.trim();
}
