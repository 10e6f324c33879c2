import type { Device, Level } from "../contract";

export type Counts = Record<Exclude<Level, "off_duty">, number>;

/** How many of those on duty are protected how well. */
export function countLevels(devices: Iterable<Device>): Counts {
  const counts: Counts = { protected: 0, degraded: 0, not_protected: 0 };
  for (const { protection } of devices) if (protection.level !== "off_duty") counts[protection.level] += 1;
  return counts;
}

/** Whom nobody would be told about, the longest first. */
export function unprotected(devices: Iterable<Device>, locale: string): Device[] {
  const names = new Intl.Collator(locale);
  const sinceMs = (device: Device) => (device.protection.since ? Date.parse(device.protection.since) : 0);
  return [...devices]
    .filter((device) => device.protection.level === "not_protected")
    .sort((a, b) => sinceMs(a) - sinceMs(b) || names.compare(a.label, b.label) || a.id - b.id);
}

/** How many the server says it does not hear through no fault of theirs. */
export function countUnheard(devices: Iterable<Device>): number {
  let unheard = 0;
  for (const { protection } of devices) if (protection.reasons.includes("not_heard")) unheard += 1;
  return unheard;
}
