/** Numbers, times and text as people read them: with units and no more digits than mean something. */

const NONE = "–";
type Maybe = number | null | undefined;

const isNone = (value: Maybe): value is null | undefined =>
  value === null || value === undefined || Number.isNaN(value);

/** Three significant digits, without an exponent: 0.0123, 1.23, 12.3, 123, 1,234. */
export function digits(value: number): string {
  if (value === 0) return "0";
  const size = Math.floor(Math.log10(Math.abs(value)));
  const shown = value.toLocaleString("en-US", { maximumFractionDigits: Math.min(Math.max(2 - size, 0), 12) });
  return shown === "-0" ? "0" : shown;
}

function scaled(value: number, steps: readonly (readonly [number, string])[]): string {
  const [size, unit] = steps.find(([least]) => Math.abs(value) >= least * 0.9995) ?? steps.at(-1) ?? [1, ""];
  return `${digits(value / size)}${unit}`;
}

const SHORT_TIMES = [
  [1e9, " s"],
  [1e6, " ms"],
  [1e3, " µs"],
  [1, " ns"],
] as const;

/** Nanoseconds: 812 µs, 1.24 s, 3 m 12 s, 2 h 5 m, 3 d 4 h. */
export function duration(ns: Maybe): string {
  if (isNone(ns)) return NONE;
  if (ns === 0) return "0 s";
  const seconds = Math.abs(ns) / 1e9;
  if (seconds < 59.95) return scaled(ns, SHORT_TIMES);
  const [large, small, name, lesser] =
    seconds < 3_599.5 ? [60, 1, "m", "s"] : seconds < 86_400 ? [3_600, 60, "h", "m"] : [86_400, 3_600, "d", "h"];
  const parts = Math.round(seconds / small);
  const of = large / small;
  const rest = parts % of;
  return `${ns < 0 ? "−" : ""}${Math.floor(parts / of)} ${name}${rest ? ` ${rest} ${lesser}` : ""}`;
}

/** What is less is only said to be less: in a table its digits would be noise. */
const LEAST_USD = 0.00001;

/** Nano-dollars: <$0.00001, $0.00012, $1.24, $1,234. */
export function usd(nanos: Maybe): string {
  const value = Math.abs(nanos ?? 0) / 1e9;
  if (value === 0 || value >= LEAST_USD) return wholeUsd(nanos);
  return `${(nanos ?? 0) < 0 ? "−" : ""}<$${LEAST_USD}`;
}

/** The same however little it is, as a bill has it: $0.0000042. */
export function wholeUsd(nanos: Maybe): string {
  if (isNone(nanos)) return NONE;
  const value = Math.abs(nanos) / 1e9;
  const sign = nanos < 0 ? "−" : "";
  if (value === 0) return "$0";
  if (value >= 1_000) return `${sign}$${Math.round(value).toLocaleString("en-US")}`;
  if (value >= 0.995) return `${sign}$${value.toFixed(2)}`;
  return `${sign}$${digits(value)}`;
}

/** How many: 1,234 in full up to a hundred thousand, then 123k, 1.23M. */
export function count(value: Maybe): string {
  if (isNone(value)) return NONE;
  if (Math.abs(value) < 100_000) return Number.isInteger(value) ? value.toLocaleString("en-US") : digits(value);
  return scaled(value, [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ]);
}

/** As many as there are, in full. */
export const whole = (value: Maybe): string => (isNone(value) ? NONE : value.toLocaleString("en-US"));

/** Bytes in powers of 1,024: 1.2 MiB. */
export function bytes(value: Maybe): string {
  if (isNone(value)) return NONE;
  return scaled(value, [
    [2 ** 40, " TiB"],
    [2 ** 30, " GiB"],
    [2 ** 20, " MiB"],
    [2 ** 10, " KiB"],
    [1, " B"],
  ]);
}

/** A share of 1: 12.3 %, 0.04 %, <0.01 %. */
export function ratio(value: Maybe): string {
  if (isNone(value)) return NONE;
  const percent = value * 100;
  if (percent !== 0 && percent !== 100 && Math.abs(percent) > 99 && Math.abs(percent) < 100)
    return `${percent.toFixed(2)} %`;
  if (percent !== 0 && Math.abs(percent) < 0.01) return `${percent < 0 ? "−" : ""}<0.01 %`;
  return `${Math.abs(percent) < 1 ? percent.toLocaleString("en-US", { maximumFractionDigits: 2 }) : digits(percent)} %`;
}

/** A change against before: +12.3 %, −4 %, ±0 %. */
export function change(value: Maybe): string {
  if (isNone(value)) return NONE;
  const shown = ratio(Math.abs(value));
  return value === 0 || shown === "0 %" ? "±0 %" : `${value > 0 ? "+" : "−"}${shown}`;
}

export type Unit = "ns" | "usd_nanos" | "ratio" | "count" | "tokens" | "bytes" | "number";

/** A value by the unit that the API gives it; units of OpenTelemetry metrics (`s`, `By`, `{token}`) stand behind it. */
export function measured(value: Maybe, unit: string): string {
  switch (unit) {
    case "ns":
      return duration(value);
    case "s":
      return duration(isNone(value) ? value : value * 1e9);
    case "ms":
      return duration(isNone(value) ? value : value * 1e6);
    case "usd_nanos":
      return usd(value);
    case "ratio":
      return ratio(value);
    case "bytes":
    case "By":
      return bytes(value);
    case "":
    case "1":
    case "number":
    case "count":
      return count(value);
    default:
      return isNone(value) ? NONE : `${count(value)} ${unit.replace(/^\{(.*)\}$/, "$1")}`;
  }
}

const TIME: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };

/** A moment in the person's zone: 14:03:12.345 today, with the date on other days. */
export function clock(ns: Maybe, now = Date.now()): string {
  if (isNone(ns)) return NONE;
  const at = new Date(ns / 1e6);
  const time = at.toLocaleTimeString("en-GB", { ...TIME, fractionalSecondDigits: 3 });
  return new Date(now).toDateString() === at.toDateString() ? time : `${day(ns)} ${time}`;
}

/** A day in the person's zone: 22 Nov, with the year where it is another. */
export function day(ns: number): string {
  const at = new Date(ns / 1e6);
  const year = at.getFullYear() === new Date().getFullYear() ? {} : ({ year: "numeric" } as const);
  return at.toLocaleDateString("en-GB", { day: "numeric", month: "short", ...year });
}

/** How long ago: 12 s ago. */
export function ago(ns: Maybe, now = Date.now()): string {
  if (isNone(ns)) return NONE;
  const seconds = Math.max(Math.round((now - ns / 1e6) / 1e3), 0);
  const [size, unit] =
    seconds < 60 ? [1, "s"] : seconds < 3_600 ? [60, "min"] : seconds < 86_400 ? [3_600, "h"] : [86_400, "d"];
  return seconds < 1 ? "now" : `${Math.floor(seconds / size)} ${unit} ago`;
}

/** RFC 3339 of Unix nanoseconds, to the millisecond. */
export const rfc3339 = (ns: number): string => new Date(ns / 1e6).toISOString();

/** Text without what would act on a terminal or turn the line around; each such character is shown by its symbol. */
export const harmless = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (one) => {
    const code = one.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\ufffd";
  });
