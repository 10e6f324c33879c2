import type { Alert, Device, Level } from "../contract";
import { isPersonal } from "./marker";
import { compareAlerts } from "./queue";

const WORRY: Record<Level, number> = { not_protected: 3, degraded: 4, protected: 5, off_duty: 6 };

/** Persons in alarm in the queue's order, pre-alarms, other alerts, then the less protected before the others, by name. */
export function tableOrder(devices: Iterable<Device>, gravest: ReadonlyMap<number, Alert>, locale: string): Device[] {
  const names = new Intl.Collator(locale);
  const worry = (device: Device) => {
    const alert = gravest.get(device.id);
    if (alert && isPersonal(alert)) return 0;
    if (device.prealarm) return 1;
    return alert ? 2 : WORRY[device.protection.level];
  };
  return [...devices].sort((a, b) => {
    const [alertA, alertB] = [gravest.get(a.id), gravest.get(b.id)];
    return (
      worry(a) - worry(b) ||
      (alertA && alertB ? compareAlerts(alertA, alertB) : 0) ||
      names.compare(a.label, b.label) ||
      a.id - b.id
    );
  });
}

/** Case and accents do not matter to someone typing at night. */
export function matches(device: Device, wanted: string): boolean {
  const plain = (text: string) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  return plain(`${device.label} ${device.tag} ${device.mission ?? ""}`).includes(plain(wanted.trim()));
}
