/** The filter of a page, in the filter language: completed while one types, applied by Enter, kept in the URL. */

import { CloseButton, Combobox, Group, Text, TextInput, useCombobox } from "@mantine/core";
import { IconFilter } from "@tabler/icons-react";
import { type ReactNode, useEffect, useRef, useState } from "react";

import { useAsk } from "../ask";
import type { Refused } from "../client";
import { completed, completions } from "../complete";
import { useKeys } from "../keys";
import { useParam } from "../url";

export interface FilterBarProps {
  /** Whose fields are offered: a subject of /api/fields, such as `spans` or `llm_calls`. */
  subject: string;
  placeholder?: string;
  /** The error of the question that it filters. */
  error?: Refused | null;
  /** The search parameter that it is kept in. */
  param?: string;
  label?: string;
  children?: ReactNode;
}

export function FilterBar(props: FilterBarProps) {
  const {
    subject,
    placeholder = 'duration > 2s and model ~ "gpt-*"',
    error,
    param = "filter",
    label = "Filter",
    children,
  } = props;
  const [filter, setFilter] = useParam(param, "", { push: true });
  const [draft, setDraft] = useState(filter);
  const [before, setBefore] = useState(filter);
  if (before !== filter) {
    setBefore(filter);
    setDraft(filter);
  }
  const input = useRef<HTMLInputElement>(null);
  const list = useCombobox({
    onDropdownClose: () => {
      list.resetSelectedOption();
    },
  });
  const fields = useAsk("/api/fields", {}, {}).data?.items.find((one) => one.subject === subject)?.fields ?? [];
  const [caret, setCaret] = useState(0);
  const offered = completions(draft, caret, fields);
  useKeys({ "/": () => input.current?.focus() });

  const complete = (name: string): void => {
    const [text, at] = completed(draft, caret, name);
    setDraft(text);
    setCaret(at);
    list.closeDropdown();
    requestAnimationFrame(() => input.current?.setSelectionRange(at, at));
  };
  const ours = error?.problem.field === param ? error.problem : null;
  return (
    <Group gap="xs" align="flex-start">
      <Combobox store={list} onOptionSubmit={complete} withinPortal>
        <Combobox.Target>
          <TextInput
            ref={input}
            aria-label={label}
            size="sm"
            flex={1}
            miw={{ base: "100%", sm: 260 }}
            spellCheck={false}
            autoComplete="off"
            autoCapitalize="off"
            className="mono"
            placeholder={placeholder}
            leftSection={<IconFilter size={15} aria-hidden />}
            rightSection={
              draft === "" ? null : (
                <CloseButton
                  size="sm"
                  aria-label="Clear the filter"
                  onClick={() => {
                    setDraft("");
                    setFilter("");
                  }}
                />
              )
            }
            value={draft}
            error={ours === null ? undefined : `${ours.title}: ${ours.mend}`}
            onChange={(event) => {
              setDraft(event.currentTarget.value);
              setCaret(event.currentTarget.selectionStart ?? 0);
              list.openDropdown();
            }}
            onBlur={() => {
              list.closeDropdown();
            }}
            onKeyDown={(event) => {
              if (event.key === "Escape") event.currentTarget.blur();
              if (event.key === "Enter" && list.getSelectedOptionIndex() < 0) {
                list.closeDropdown();
                setFilter(draft.trim());
              }
            }}
          />
        </Combobox.Target>
        <Combobox.Dropdown hidden={offered.length === 0}>
          <Combobox.Options mah={260} style={{ overflowY: "auto" }}>
            {offered.map(({ name, kind }) => (
              <Combobox.Option value={name} key={name}>
                <Group justify="space-between" wrap="nowrap">
                  <span className="mono">{name}</span>
                  <Text span size="xs" className="quiet">
                    {kind}
                  </Text>
                </Group>
              </Combobox.Option>
            ))}
          </Combobox.Options>
        </Combobox.Dropdown>
      </Combobox>
      {children}
    </Group>
  );
}

/** A text that is told on after a pause of the one who types. */
export function useSettled(text: string, ms = 250): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => {
      setSettled(text);
    }, ms);
    return () => {
      clearTimeout(timer);
    };
  }, [text, ms]);
  return settled;
}
