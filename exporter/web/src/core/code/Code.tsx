/** An editor of SQL or YAML. Load it lazily: its libraries are of no use to pages without it. */

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
  placeholder as hinting,
} from "@codemirror/view";
import { type Ref, useEffect, useImperativeHandle, useRef } from "react";

import { nonce } from "../nonce";
import classes from "./Code.module.css";
import { faulty, type Fault, setFaults } from "./faults";
import { look, words } from "./look";

export interface CodeHandle {
  /** Puts text where the caret is, and leaves the caret behind it. */
  insert: (text: string) => void;
  /** Shows a place of the text, and sets the caret there. */
  goTo: (at: number) => void;
}

export interface CodeProps {
  /** What is written in it, for those who hear the page. */
  label: string;
  value: string;
  onChange?: (value: string) => void;
  /** Its language, and what else it knows; may change. */
  knows: Extension;
  isReadOnly?: boolean;
  placeholder?: string;
  /** Ctrl+Enter, or Cmd+Enter. */
  onRun?: () => void;
  faults?: readonly Fault[];
  handle?: Ref<CodeHandle>;
  minHeight?: number;
  maxHeight?: string;
}

const NONE: readonly Fault[] = [];

export default function Code(props: CodeProps) {
  const { label, value, onChange, knows, isReadOnly = false, placeholder = "", onRun, faults = NONE, handle } = props;
  const { minHeight = 120, maxHeight = "60vh" } = props;
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const known = useRef(new Compartment());
  const latest = useRef({ onChange, onRun, value, knows });
  useEffect(() => {
    latest.current = { onChange, onRun, value, knows };
  });

  useEffect(() => {
    if (place.current === null) return undefined;
    const made = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          EditorView.cspNonce.of(nonce()),
          keymap.of([
            {
              key: "Mod-Enter",
              run: () => {
                latest.current.onRun?.();
                return true;
              },
            },
            ...closeBracketsKeymap,
            ...completionKeymap,
            ...historyKeymap,
            ...defaultKeymap,
          ]),
          lineNumbers(),
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          closeBrackets(),
          autocompletion({ icons: false }),
          isReadOnly ? [] : highlightActiveLine(),
          EditorState.readOnly.of(isReadOnly),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label, "aria-readonly": String(isReadOnly) }),
          hinting(placeholder),
          syntaxHighlighting(words),
          look,
          faulty,
          known.current.of(latest.current.knows),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange?.(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = made;
    return () => {
      view.current = null;
      made.destroy();
    };
  }, [isReadOnly, label, placeholder]);

  useEffect(() => {
    const made = view.current;
    if (made === null || made.state.doc.toString() === value) return;
    made.dispatch({ changes: { from: 0, to: made.state.doc.length, insert: value } });
  }, [value]);
  useEffect(() => {
    view.current?.dispatch({ effects: known.current.reconfigure(knows) });
  }, [knows]);
  useEffect(() => {
    view.current?.dispatch({ effects: setFaults.of(faults) });
  }, [faults, value]);

  useImperativeHandle(
    handle,
    () => ({
      insert: (text) => {
        const made = view.current;
        if (made === null) return;
        made.dispatch(made.state.replaceSelection(text));
        made.focus();
      },
      goTo: (at) => {
        const made = view.current;
        if (made === null) return;
        const anchor = Math.min(at, made.state.doc.length);
        made.dispatch({ selection: { anchor }, scrollIntoView: true });
        made.focus();
      },
    }),
    [],
  );

  return (
    <div
      ref={place}
      className={classes["code"]}
      style={{ "--least": `${minHeight}px`, "--most": maxHeight } as React.CSSProperties}
    />
  );
}
