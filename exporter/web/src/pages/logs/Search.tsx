/** Words that records are searched for. */

import { CloseButton, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useRef, useState } from "react";

import type { Refused } from "../../core/client";
import { useKeys } from "../../core/keys";
import { useParam } from "../../core/url";

export function Search({ error }: { error: Refused | null }) {
  const [search, setSearch] = useParam("search", "", { push: true });
  const [draft, setDraft] = useState(search);
  const [before, setBefore] = useState(search);
  if (before !== search) {
    setBefore(search);
    setDraft(search);
  }
  const input = useRef<HTMLInputElement>(null);
  useKeys({ "/": () => input.current?.focus() });
  const ours = error?.problem.field === "search" ? error.problem : null;
  return (
    <TextInput
      ref={input}
      aria-label="Search"
      size="sm"
      flex={1}
      miw={{ base: "100%", sm: 260 }}
      spellCheck={false}
      autoComplete="off"
      autoCapitalize="off"
      placeholder={'timeout OR "connection refused" -health service:shop'}
      leftSection={<IconSearch size={15} aria-hidden />}
      rightSection={
        draft === "" ? null : (
          <CloseButton
            size="sm"
            aria-label="Clear the search"
            onClick={() => {
              setDraft("");
              setSearch("");
            }}
          />
        )
      }
      value={draft}
      error={ours === null ? undefined : `${ours.title}: ${ours.mend}`}
      onChange={(event) => {
        setDraft(event.currentTarget.value);
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") event.currentTarget.blur();
        if (event.key === "Enter") setSearch(draft.trim());
      }}
    />
  );
}
