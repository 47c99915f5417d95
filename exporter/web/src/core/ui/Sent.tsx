/** Text that was sent: cut where it is too long, whole when pointed at; a dash where there is none. */

import { harmless } from "../format";

export function Sent({ text, isQuiet = false }: { text: string | null | undefined; isQuiet?: boolean }) {
  if (!text) return <span className="quiet">–</span>;
  const shown = harmless(text);
  return (
    <span className={isQuiet ? "quiet" : undefined} title={shown}>
      {shown}
    </span>
  );
}
