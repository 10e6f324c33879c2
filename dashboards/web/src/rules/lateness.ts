import type { Alert } from "../contract";

const LATE_FROM_S = 60; // as in the text messages: a shorter delay is how radio works, not news

/** Whether the news was so long under way that the dispatcher must know. */
export function isLate(alert: Alert): boolean {
  return alert.received_late_s !== null && alert.received_late_s >= LATE_FROM_S;
}
