import type { Alert, Notification } from "../contract";

/** Who is on the way for so long will not hear of it in time. */
const LATE_MS = 120_000;

/** Whether it never arrived, or is on its way for far too long. The console's own waits for a page that shows it. */
export function isUndelivered(one: Notification, nowMs: number): boolean {
  if (one.state === "failed") return true;
  const underWay = one.state === "pending" || one.state === "sending" || one.state === "ambiguous";
  return underWay && one.channel !== "console" && nowMs - Date.parse(one.since) > LATE_MS;
}

/** How many of an open alert's messages told nobody, with the steps that found nobody to tell. */
export function undeliveredOf(alert: Alert, nowMs: number): number {
  if (alert.state === "closed") return 0;
  return alert.notifications.filter((one) => isUndelivered(one, nowMs)).length + alert.unreached.length;
}
