/** A time line of steps: where each bar stands, and a scale with round ticks. */

export interface Span {
  /** Behind the beginning of all. */
  offset_ns: number;
  duration_ns: number;
  is_running: boolean;
}

const TICKS = 5;
const STEPS = [1, 2, 5, 10];
const LONG_S = [15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400];

/** How long the time line is: to the end of what ends last; what runs has grown by `grownNs` since it was measured. */
export const lengthOf = (bars: readonly Span[], wholeNs: number | null, grownNs = 0): number =>
  Math.max(wholeNs ?? 0, ...bars.map((bar) => bar.offset_ns + bar.duration_ns + (bar.is_running ? grownNs : 0)), 1);

/** Left edge and width of a bar, in hundredths of the length. */
export function placed(bar: Span, lengthNs: number, grownNs = 0): { left: number; width: number } {
  const duration = bar.duration_ns + (bar.is_running ? grownNs : 0);
  const left = Math.min(Math.max((bar.offset_ns / lengthNs) * 100, 0), 100);
  return { left, width: Math.min(Math.max((duration / lengthNs) * 100, 0), 100 - left) };
}

/** Round moments from 0 on, in nanoseconds, before the end. */
export function ticks(lengthNs: number): number[] {
  const wanted = lengthNs / TICKS;
  const step =
    wanted < 10e9
      ? roundUp(wanted)
      : (LONG_S.find((one) => one * 1e9 >= wanted) ?? roundUp(wanted / 86_400e9) * 86_400) * 1e9;
  return Array.from({ length: Math.floor((lengthNs * 0.94) / step) + 1 }, (_, at) => at * step);
}

function roundUp(value: number): number {
  const base = 10 ** Math.floor(Math.log10(value));
  return base * (STEPS.find((one) => one * base >= value) ?? 10);
}
