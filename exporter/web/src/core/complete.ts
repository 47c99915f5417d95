/** Completion of a filter: the fields that may stand where the caret is. */

export interface Field {
  name: string;
  kind: string;
}

const WORD = /[\w.]*$/;
const MOST = 12;
const AFTER_VALUE = /(?:["'\d]|[a-z])\s+$/i;

/** The word before the caret; null where a text in quotes is being written. */
function wordAt(text: string, caret: number): string | null {
  const before = text.slice(0, caret);
  if ((before.match(/"/g)?.length ?? 0) % 2 === 1) return null;
  return WORD.exec(before)?.[0] ?? "";
}

/** Fields that begin with the word before the caret, then those that have it inside. */
export function completions(text: string, caret: number, fields: readonly Field[]): Field[] {
  const word = wordAt(text, caret);
  if (word === null || (word === "" && AFTER_VALUE.test(text.slice(0, caret)))) return [];
  const wanted = word.toLowerCase();
  const begin = fields.filter(({ name }) => name.startsWith(wanted) && name !== wanted);
  const inside = word === "" ? [] : fields.filter(({ name }) => !name.startsWith(wanted) && name.includes(wanted));
  return [...begin, ...inside].slice(0, MOST);
}

/** The text with the word before the caret replaced, and where the caret is then. */
export function completed(text: string, caret: number, name: string): [string, number] {
  const word = wordAt(text, caret) ?? "";
  const before = `${text.slice(0, caret - word.length)}${name} `;
  return [before + text.slice(caret), before.length];
}

/** A text as the filter language writes it. */
export const quoted = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`;

/** A condition of the filter language on a text. */
export const equals = (field: string, value: string): string => `${field} = ${quoted(value)}`;

/** All of the conditions at once; empty ones say nothing. */
export function both(...conditions: readonly (string | null | undefined)[]): string {
  const said = conditions.filter((one): one is string => (one ?? "").trim() !== "");
  if (said.length < 2) return said[0] ?? "";
  return said.map((one) => (/\bor\b/i.test(one) ? `(${one})` : one)).join(" and ");
}

/** A filter as the API takes it: left out where there is none. */
export const where = (filter: string): { filter?: string } => (filter === "" ? {} : { filter });
