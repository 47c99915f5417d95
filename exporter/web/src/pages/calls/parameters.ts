/** How a model was asked: temperature and the like, as the conventions write them. */

const PREFIXES = ["gen_ai.request.", "gen_ai.openai.request.", "llm.request."] as const;
const OTHERS: Readonly<Record<string, string>> = { "gen_ai.output.type": "output type" };
const NOT = new Set(["gen_ai.request.model", "gen_ai.request.instructions", "llm.request.type"]);
/** OpenInference has all of them in one attribute. */
const TOGETHER = "llm.invocation_parameters";

export function parametersOf(attributes: Readonly<Record<string, string>>): [string, string][] {
  const found = new Map<string, string>(Object.entries(together(attributes[TOGETHER])));
  for (const [name, value] of Object.entries(attributes)) {
    const prefix = PREFIXES.find((one) => name.startsWith(one));
    const other = OTHERS[name];
    if (other !== undefined) found.set(other, value);
    else if (prefix !== undefined && !NOT.has(name)) found.set(name.slice(prefix.length).replaceAll("_", " "), value);
  }
  return [...found].sort(([one], [other]) => one.localeCompare(other));
}

function together(told: string | undefined): Record<string, string> {
  try {
    const read: unknown = JSON.parse(told ?? "{}");
    if (typeof read !== "object" || read === null) return {};
    return Object.fromEntries(
      Object.entries(read)
        .filter(([name]) => name !== "model")
        .map(([name, value]) => [name.replaceAll("_", " "), typeof value === "string" ? value : JSON.stringify(value)]),
    );
  } catch {
    return {};
  }
}
