import type { Alert, Device } from "../contract";
import { compareAlerts } from "./queue";

/** What a marker looks like. Shape and tag carry the meaning; colour repeats it. */
export type Look =
  | "moving"
  | "still"
  | "paused"
  | "silent"
  | "unknown"
  | "off"
  | "prealarm"
  | "alarm-stillness"
  | "alarm-sos"
  | "alarm-technical";

/** From what may be drawn over to what stands above everything. */
export const LOOKS: readonly Look[] = [
  "off",
  "unknown",
  "moving",
  "still",
  "paused",
  "silent",
  "alarm-technical",
  "prealarm",
  "alarm-stillness",
  "alarm-sos",
];

/** Told apart by their words where they look alike. */
export function lookOfAlert(alert: Alert): Look {
  switch (alert.kind) {
    case "sos":
    case "duress":
    case "fall":
      return "alarm-sos";
    case "stillness":
    case "check_missed":
    case "device_alarm":
    case "van_hazard":
      return "alarm-stillness";
    default:
      return "alarm-technical";
  }
}

/** Whether it is the person who may be in danger, not only the means to protect one. */
export function isPersonal(alert: Alert): boolean {
  return lookOfAlert(alert) !== "alarm-technical";
}

/** Each device's gravest open alert: an SOS that somebody has taken stands before a low battery that nobody has. */
export function gravestByDevice(alerts: Iterable<Alert>): Map<number, Alert> {
  const gravest = new Map<number, Alert>();
  for (const alert of alerts) {
    if (alert.state === "closed" || alert.device_id === null) continue;
    const other = gravest.get(alert.device_id);
    if (!other || compareGravity(alert, other) < 0) gravest.set(alert.device_id, alert);
  }
  return gravest;
}

function compareGravity(a: Alert, b: Alert): number {
  return Number(isPersonal(b)) - Number(isPersonal(a)) || compareAlerts(a, b);
}

/** An open alert of a person wins over everything the device says: who moves again is still an open alarm. */
export function lookOf(device: Device, alert: Alert | undefined): Look {
  if (alert && isPersonal(alert)) return lookOfAlert(alert);
  if (device.state === "alarm") return "alarm-stillness";
  if (device.state === "prealarm") return "prealarm";
  if (alert) return lookOfAlert(alert);
  return device.on_shift ? device.state : "off";
}

/** Nobody would be told: drawn as a broken line around nothing. */
export function isBare(device: Device): boolean {
  return device.protection.level === "not_protected";
}

/** Seconds between two fixes of a healthy watch; the steps of fading are multiples of it. */
const USUAL_INTERVAL_S = 30;
const FADING: ReadonlySet<Look> = new Set<Look>(["moving", "still", "off"]);

/** How solid a marker is drawn: 1 is fresh, 0.45 is more than ten intervals old. What should worry never fades. */
export function solidity(fixedAtMs: number, nowMs: number, look: Look, bare: boolean): number {
  if (bare || !FADING.has(look)) return 1;
  const age_s = (nowMs - fixedAtMs) / 1000;
  if (age_s <= 3 * USUAL_INTERVAL_S) return 1;
  return age_s <= 10 * USUAL_INTERVAL_S ? 0.7 : 0.45;
}
