/** Notices that were given up: the API promises their columns in words only, so they are looked at. */

export interface Dead {
  number: number;
  channel: string;
  madeNs: number;
  endedNs: number;
  attempts: number;
  status: string;
  /** Such as `firing SlowCalls`. */
  notices: string[];
}

type Told = Readonly<Record<string, unknown>>;

const isTold = (value: unknown): value is Told => typeof value === "object" && value !== null;
const numberOf = (value: unknown): number => (typeof value === "number" ? value : 0);
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** They, the newest first. */
export function deadOf(answer: unknown): Dead[] {
  if (!Array.isArray(answer)) return [];
  return answer.filter(isTold).map((one) => ({
    number: numberOf(one["number"]),
    channel: textOf(one["channel"]),
    madeNs: numberOf(one["made_at"]),
    endedNs: numberOf(one["ended_at"]),
    attempts: numberOf(one["attempts"]),
    status: textOf(one["status"]),
    notices: (Array.isArray(one["notices"]) ? one["notices"] : [])
      .filter(isTold)
      .map((each) => `${textOf(each["said"])} ${textOf(each["rule"])}`),
  }));
}
