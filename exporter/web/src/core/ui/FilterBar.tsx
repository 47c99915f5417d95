/** The filter of a page, in the filter language: completed while one types, applied by Enter, kept in the URL. */

import { Combobox, Group, Text, TextInput, useCombobox } from "@mantine/core";
import { IconFilter } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";

import { useAsk } from "../ask";
import type { Refused } from "../client";
import { completed, completions } from "../complete";
import { useField } from "./field";

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
  const { input, draft, setDraft, apply, props: written } = useField(param, "Clear the filter", error);
  const list = useCombobox({
    onDropdownClose: () => {
      list.resetSelectedOption();
    },
  });
  const fields = useAsk("/api/fields", {}, {}).data?.items.find((one) => one.subject === subject)?.fields ?? [];
  const [caret, setCaret] = useState(0);
  const offered = completions(draft, caret, fields);

  const complete = (name: string): void => {
    const [text, at] = completed(draft, caret, name);
    setDraft(text);
    setCaret(at);
    list.closeDropdown();
    requestAnimationFrame(() => input.current?.setSelectionRange(at, at));
  };
  return (
    <Group gap="xs" align="flex-start">
      <Combobox store={list} onOptionSubmit={complete} withinPortal>
        <Combobox.Target>
          <TextInput
            {...written}
            ref={input}
            aria-label={label}
            className="mono"
            placeholder={placeholder}
            leftSection={<IconFilter size={15} aria-hidden />}
            onChange={(event) => {
              written.onChange(event);
              setCaret(event.currentTarget.selectionStart ?? 0);
              list.openDropdown();
            }}
            onBlur={() => {
              list.closeDropdown();
            }}
            onKeyDown={(event) => {
              if (event.key !== "Enter") written.onKeyDown(event);
              else if (list.getSelectedOptionIndex() < 0) {
                list.closeDropdown();
                apply();
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
