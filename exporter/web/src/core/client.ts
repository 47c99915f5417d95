/** Asking the server: typed by its OpenAPI; a refusal is thrown as the problem it answers. */

import createClient, { type ParamsOption } from "openapi-fetch";
import type { PathsWithMethod, SuccessResponse } from "openapi-typescript-helpers";

import type { components, paths } from "../api/schema";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];
export type GetPath = PathsWithMethod<paths, "get">;
export type Params<P extends GetPath> = ParamsOption<paths[P]["get"]>["params"];
export type Answer<P extends GetPath> = paths[P]["get"] extends {
  responses: infer R extends Record<string | number, unknown>;
}
  ? SuccessResponse<R, "application/json">
  : never;

const OWN = { "x-ax-request": "1" };

/** For changes (`api.POST`, `api.PUT`, `api.DELETE`); for questions see `useAsk`. */
export const api = createClient<paths>({ headers: { ...OWN, accept: "application/json" } });

/** What the server refused, with the mend. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.title);
  }
}

/** The data of an answer, or `Refused`; for results of `api`. */
export function taken<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.error !== undefined || !answer.response.ok)
    throw new Refused(asProblem(answer.error, answer.response.status));
  return answer.data as T;
}

/** One question. */
export async function ask<P extends GetPath>(path: P, params: Params<P>, signal?: AbortSignal): Promise<Answer<P>> {
  const get = api.GET as (
    path: string,
    init: object,
  ) => Promise<{ data?: Answer<P>; error?: unknown; response: Response }>;
  try {
    return taken(await get(path, { params, signal }));
  } catch (error) {
    if (error instanceof Refused || (error instanceof DOMException && error.name === "AbortError")) throw error;
    throw new Refused(UNREACHABLE);
  }
}

const UNREACHABLE: Problem = {
  title: "the server does not answer",
  status: 0,
  mend: "look whether `ax serve` still runs; this page goes on by itself when it does",
  retryable: true,
};

function asProblem(error: unknown, status: number): Problem {
  if (typeof error === "object" && error !== null && "title" in error && "mend" in error) return error as Problem;
  return { title: `the server answered ${status}`, status, mend: "see the log of ax serve", retryable: status >= 500 };
}
