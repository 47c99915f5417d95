/** Colours of the editor: those of the page. */

import { HighlightStyle } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const BLUE = "light-dark(#1549a0, #84a8ee)";
const GREEN = "light-dark(#0b6b53, #35c2a6)";
const AMBER = "light-dark(#92500a, #f2b544)";
const PURPLE = "light-dark(#6d3bb0, #c0a6f7)";
const QUIET = "var(--ax-quiet)";

export const words = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: BLUE, fontWeight: "600" },
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: BLUE },
  { tag: [tags.string, tags.special(tags.string)], color: GREEN },
  { tag: [tags.number, tags.bool, tags.null], color: AMBER },
  { tag: [tags.typeName, tags.standard(tags.name)], color: PURPLE },
  { tag: [tags.comment, tags.lineComment, tags.blockComment], color: QUIET, fontStyle: "italic" },
]);

export const look = EditorView.theme({
  "&.cm-focused": { outline: "none" },
  ".cm-content": {
    fontFamily: "var(--mantine-font-family-monospace)",
    caretColor: "var(--mantine-color-text)",
    padding: "10px 0",
  },
  ".cm-line": { padding: "0 14px 0 6px" },
  ".cm-scroller": { lineHeight: "1.6", overflow: "auto" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--mantine-color-text)", borderLeftWidth: "2px" },
  ".cm-gutters": { background: "transparent", border: "0", color: QUIET, paddingLeft: "6px" },
  ".cm-activeLine": { background: "light-dark(#eef0f480, #21263280)" },
  "& > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground":
    { background: "light-dark(#cfdefa, #2a4170)" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": {
    background: "light-dark(#d9e4fb, #2b3f66)",
    outline: "none",
  },
  ".cm-placeholder": { color: QUIET },
  ".cm-fault": { textDecoration: "underline wavy var(--ax-bad)", textUnderlineOffset: "3px" },
  ".cm-faultyLine": { background: "color-mix(in srgb, var(--ax-bad) 9%, transparent)" },
  ".cm-tooltip": {
    background: "var(--ax-panel)",
    border: "1px solid var(--ax-line)",
    borderRadius: "6px",
    overflow: "hidden",
    boxShadow: "0 6px 20px rgb(0 0 0 / 18%)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": {
    fontFamily: "var(--mantine-font-family-monospace)",
    maxHeight: "260px",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "4px 10px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    background: "light-dark(#2f60c9, #2a4170)",
    color: "#fff",
  },
  ".cm-completionDetail": { color: "inherit", fontStyle: "normal", opacity: "0.75", marginLeft: "14px" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
});
