import type { Alert, Device } from "../contract";
import { compareAlerts } from "./queue";

/** What a marker looks like. Shape and tag carry the meaning; colour repeats it. */
export type Look =
  | "moving"
  | "still"
  | "silent"
  | "unknown"
  | "paused"
  | "off"
  | "alarm-stillness"
  | "alarm-sos"
  | "alarm-technical";

export const LOOKS: readonly Look[] = [
  "off",
  "unknown",
  "paused",
  "moving",
  "still",
  "silent",
  "alarm-technical",
  "alarm-stillness",
  "alarm-sos",
];

/** Each device's gravest open alert. */
export function gravestByDevice(alerts: Iterable<Alert>): Map<number, Alert> {
  const gravest = new Map<number, Alert>();
  for (const alert of alerts) {
    if (alert.state === "closed" || alert.device_id === null) continue;
    const other = gravest.get(alert.device_id);
    if (!other || compareAlerts(alert, other) < 0) gravest.set(alert.device_id, alert);
  }
  return gravest;
}

export function lookOfAlert(alert: Alert): Look {
  if (alert.kind === "sos" || alert.kind === "fall") return "alarm-sos"; // told apart by their words
  return alert.kind === "stillness" ? "alarm-stillness" : "alarm-technical";
}

/** An open alert wins over everything the device says: an agent who moves again is still an open alarm. */
export function lookOf(device: Device, alert: Alert | undefined): Look {
  if (alert) return lookOfAlert(alert);
  if (device.state === "alarm") return "alarm-stillness";
  if (!device.on_shift) return "off";
  return device.state;
}

/** Seconds between two fixes of a healthy watch; the steps of fading are multiples of it. */
const USUAL_INTERVAL_S = 30;

/** How solid a marker is drawn: 1 is fresh, 0.45 is more than ten intervals old. What should worry never fades. */
export function solidity(fixedAtMs: number, nowMs: number, look: Look): number {
  if (look === "silent" || look === "unknown" || look.startsWith("alarm")) return 1;
  const age_s = (nowMs - fixedAtMs) / 1000;
  if (age_s <= 3 * USUAL_INTERVAL_S) return 1;
  return age_s <= 10 * USUAL_INTERVAL_S ? 0.7 : 0.45;
}
