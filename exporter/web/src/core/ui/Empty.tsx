/** Nothing to show, and what to do next. */

import { Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";

import { Snippet } from "./Snippet";

export function Empty({ title, children, snippet }: { title: string; children?: ReactNode; snippet?: string }) {
  return (
    <Stack align="center" gap="xs" py="xl" px="md" maw={560} mx="auto" ta="center">
      <Text fw={600}>{title}</Text>
      {children !== undefined && (
        <Text component="div" size="sm" className="quiet">
          {children}
        </Text>
      )}
      {snippet !== undefined && <Snippet text={snippet} />}
    </Stack>
  );
}
