import { computed, effect, signal } from "@preact/signals";
import { gravestByDevice } from "./rules/marker";
import { alerts, devices, queue } from "./store";

/** What this one dispatcher is looking at. Nothing here comes from the server. */
export const cursorId = signal<number | null>(null);
export const openAlertId = signal<number | null>(null);
export const openDeviceId = signal<number | null>(null);
export const view = signal<"map" | "table">("map");
export const mapMissing = signal(false);
export const helpOpen = signal(false);
export const newShiftOpen = signal(false);
export const reportOpen = signal(false);
export const dutyOpen = signal(false);

export const openAlert = computed(() => (openAlertId.value === null ? null : (alerts.value.get(openAlertId.value) ?? null)));
export const openDevice = computed(() =>
  openDeviceId.value === null ? null : (devices.value.get(openDeviceId.value) ?? null),
);

export type CameraWish = { to: "alert"; id: number } | { to: "device"; id: number } | { to: "department" };
/** Wishes are objects, so that the same one twice moves the map twice. */
export const cameraWish = signal<CameraWish | null>(null);

export function openSheet(alertId: number): void {
  cursorId.value = alertId;
  openAlertId.value = alertId;
  openDeviceId.value = null;
}

export function closeSheet(): void {
  openAlertId.value = null;
  openDeviceId.value = null;
}

export function openCard(deviceId: number): void {
  openAlertId.value = null;
  openDeviceId.value = deviceId;
}

/** From the map or a list: an agent with an open alert opens the gravest, anyone else a small card. */
export function openSubject(deviceId: number): void {
  const alert = gravestByDevice(queue.value).get(deviceId);
  if (alert) openSheet(alert.id);
  else openCard(deviceId);
}

export function toggleView(): void {
  if (!mapMissing.value) view.value = view.value === "map" ? "table" : "map";
}

function stored(key: string, fallback: string): string {
  try {
    return localStorage.getItem(key) ?? fallback;
  } catch {
    return fallback; // storage may be forbidden; the console works without it
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // see stored()
  }
}

/** Dark unless chosen otherwise: the room is dark at night, and the operating system's default is not a choice. */
export const theme = signal<"dark" | "light">(stored("gyrophare.theme", "dark") === "light" ? "light" : "dark");
export const shortcutsOn = signal(stored("gyrophare.shortcuts", "on") !== "off");

export function keepPreferences(): void {
  effect(() => {
    document.documentElement.dataset["theme"] = theme.value;
    store("gyrophare.theme", theme.value);
  });
  effect(() => store("gyrophare.shortcuts", shortcutsOn.value ? "on" : "off"));
}

export const calm = typeof matchMedia === "undefined" ? null : matchMedia("(prefers-reduced-motion: reduce)");
