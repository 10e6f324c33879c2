import type { Alert, Device } from "../contract";
import { compareAlerts } from "./queue";

/** Alarms first in the queue's order, then silent and unknown agents, then by name. */
export function tableOrder(devices: Iterable<Device>, gravest: ReadonlyMap<number, Alert>, locale: string): Device[] {
  const names = new Intl.Collator(locale);
  const worry = (device: Device) => {
    if (!device.on_shift) return 2;
    return device.state === "silent" || device.state === "unknown" ? 0 : 1;
  };
  return [...devices].sort((a, b) => {
    const alertA = gravest.get(a.id);
    const alertB = gravest.get(b.id);
    if (alertA && alertB) return compareAlerts(alertA, alertB);
    if (alertA || alertB) return alertA ? -1 : 1;
    return worry(a) - worry(b) || names.compare(a.label, b.label) || a.id - b.id;
  });
}

/** Case and accents do not matter to someone typing at night. */
export function matches(device: Device, wanted: string): boolean {
  const plain = (text: string) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  return plain(`${device.label} ${device.tag} ${device.mission ?? ""}`).includes(plain(wanted.trim()));
}
