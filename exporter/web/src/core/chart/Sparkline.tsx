/** How a number went, without axes. */

const WIDTH = 120;
const HEIGHT = 28;

export function Sparkline({ values }: { values: readonly (number | null)[] }) {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return <svg width="100%" height={HEIGHT} aria-hidden />;
  const [low, high] = [Math.min(0, ...known), Math.max(...known)];
  const x = (at: number): string => ((at / (values.length - 1)) * WIDTH).toFixed(1);
  const y = (value: number): string => (HEIGHT - 2 - ((value - low) / (high - low || 1)) * (HEIGHT - 4)).toFixed(1);
  const path = values
    .map((value, at) => (value === null ? "" : `${(values[at - 1] ?? null) === null ? "M" : "L"}${x(at)} ${y(value)}`))
    .join("");
  return (
    <svg width="100%" height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden>
      <path
        d={path}
        fill="none"
        stroke="var(--mantine-color-blue-5)"
        strokeWidth="1.5"
        vectorEffect="non-scaling-stroke"
        strokeLinejoin="round"
      />
    </svg>
  );
}
