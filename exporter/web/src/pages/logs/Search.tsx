/** Words that records are searched for. */

import { TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";

import type { Refused } from "../../core/client";
import { useField } from "../../core/ui/field";

export function Search({ error }: { error: Refused | null }) {
  const { input, props } = useField("search", "Clear the search", error);
  return (
    <TextInput
      {...props}
      ref={input}
      aria-label="Search"
      placeholder={'timeout OR "connection refused" -health service:shop'}
      leftSection={<IconSearch size={15} aria-hidden />}
    />
  );
}
