import { Skeleton, Stack } from "@mantine/core";

/** In place of what comes. */
export function Loading({ height = 240 }: { height?: number }) {
  return (
    <Stack gap="sm" aria-busy="true" aria-label="Loading" role="status">
      <Skeleton height={28} width="30%" />
      <Skeleton height={height} />
    </Stack>
  );
}
