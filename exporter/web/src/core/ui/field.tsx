/** A field whose text is a search parameter: written first, applied by Enter, taken back by its cross; `/` leads to it. */

import { CloseButton, type TextInputProps } from "@mantine/core";
import { type RefObject, useRef, useState } from "react";

import type { Refused } from "../client";
import { useKeys } from "../keys";
import { useParam } from "../url";

export interface Field {
  input: RefObject<HTMLInputElement | null>;
  /** What is written, which may not be applied yet. */
  draft: string;
  setDraft: (text: string) => void;
  apply: () => void;
  /** For a `TextInput`; who takes `onChange` or `onKeyDown` too calls these. */
  props: TextInputProps & Required<Pick<TextInputProps, "onChange" | "onKeyDown">>;
}

/** `name` is the parameter, and the field that an error of the question is about; `clear` is what its cross is called. */
export function useField(name: string, clear: string, error: Refused | null | undefined): Field {
  const [text, setText] = useParam(name, "", { push: true });
  const [draft, setDraft] = useState(text);
  const [before, setBefore] = useState(text);
  if (before !== text) {
    setBefore(text);
    setDraft(text);
  }
  const input = useRef<HTMLInputElement>(null);
  useKeys({ "/": () => input.current?.focus() });
  const apply = (): void => {
    setText(draft.trim());
  };
  const ours = error?.problem.field === name ? error.problem : null;
  const cross = (
    <CloseButton
      size="sm"
      aria-label={clear}
      onClick={() => {
        setDraft("");
        setText("");
      }}
    />
  );
  const props: Field["props"] = {
    size: "sm",
    flex: 1,
    miw: { base: "100%", sm: 260 },
    spellCheck: false,
    autoComplete: "off",
    autoCapitalize: "off",
    value: draft,
    rightSection: draft === "" ? null : cross,
    error: ours === null ? undefined : `${ours.title}: ${ours.mend}`,
    onChange: (event) => {
      setDraft(event.currentTarget.value);
    },
    onKeyDown: (event) => {
      if (event.key === "Escape") event.currentTarget.blur();
      if (event.key === "Enter") apply();
    },
  };
  return { input, draft, setDraft, apply, props };
}
