/** Where one goes from here. */

import { equals } from "../../core/complete";

/** A run's own page; an id that a path cannot hold gives way to its trace's, which the server takes as well. */
export const pathOf = (run: { run_id: string; trace_id: string | null }): string =>
  `/runs/${encodeURIComponent(run.run_id.includes("/") && run.trace_id !== null ? run.trace_id : run.run_id)}`;

/** A span in its trace. */
export const spanPath = (trace: string, span: string | null): string =>
  `/traces/${trace}${span === null ? "" : `?span=${span}`}`;

/** A list with a filter set: `field = "value"`. */
export const filteredPath = (path: string, field: string, value: string): string => {
  const filter = encodeURIComponent(equals(field, value));
  return `${path}${path.includes("?") ? "&" : "?"}filter=${filter}`;
};
