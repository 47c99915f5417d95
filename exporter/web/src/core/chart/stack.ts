/** Each line on those before it; where none of them has a value there is none. */
export function stacked(lines: readonly (readonly (number | null | undefined)[])[]): (number | null)[][] {
  const sums: number[] = [];
  const made: (number | null)[][] = [];
  for (const line of lines) {
    made.push(
      line.map((value, at) => {
        sums[at] = (sums[at] ?? 0) + (value ?? 0);
        return sums[at];
      }),
    );
  }
  return made.map((line) => line.map((value, at) => (lines.every((one) => (one[at] ?? null) === null) ? null : value)));
}
