/** Places of a text that are wrong, underlined. */

import { type Range, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView } from "@codemirror/view";

/** Offsets in the text; `to` may be `from`, then all of its line is meant. */
export interface Fault {
  from: number;
  to: number;
}

export const setFaults = StateEffect.define<readonly Fault[]>();

const part = Decoration.mark({ class: "cm-fault" });
const line = Decoration.line({ class: "cm-faultyLine" });

export const faulty = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (before, transaction) => {
    const effect = transaction.effects.find((one) => one.is(setFaults));
    if (effect === undefined) return before.map(transaction.changes);
    const { doc } = transaction.state;
    const marks: Range<Decoration>[] = effect.value.flatMap(({ from, to }) => {
      const [start, end] = [Math.min(from, doc.length), Math.min(to, doc.length)];
      const its = line.range(doc.lineAt(start).from);
      return start < end ? [its, part.range(start, end)] : [its];
    });
    return Decoration.set(marks, true);
  },
  provide: (field) => EditorView.decorations.from(field),
});
