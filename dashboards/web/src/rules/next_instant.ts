import { clockText } from "../text/instants";
import { en } from "../text/en";

const MINUTE_MS = 60_000;
/** A time that a night skips when summer time begins comes the day after. */
const SEARCHED_MIN = 49 * 60;

/** When a clock in Paris shows "17:30" next; null when it is no time of day. */
export function nextInstant(clock: string, nowMs: number): number | null {
  const first = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
  for (let n = 1; n <= SEARCHED_MIN; n += 1) {
    const atMs = first + n * MINUTE_MS;
    if (clockText(atMs, en).startsWith(`${clock}:`)) return atMs;
  }
  return null;
}
