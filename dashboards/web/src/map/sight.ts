import { signal } from "@preact/signals";

/** Alarms whose place is not on the visible part of the map. Kept out of the map's own bundle. */
export const outOfView = signal<ReadonlySet<number>>(new Set());
