import { computed, signal } from "@preact/signals";
import type { Alert, Command, Device, DutyRole, Named, ServerMessage } from "./contract";
import { withCommands } from "./rules/commands";
import { furtherAlong, queueOf } from "./rules/queue";
import { ServerClock } from "./rules/server_clock";

/**
 * Everything the screen shows. The socket writes here, components and map layers read.
 * Maps are replaced, never changed in place, so that a comparison of objects tells what changed.
 */
export type Connection = "connecting" | "live" | "lost";

export const organisation = signal<Named | null>(null);
export const account = signal<Named | null>(null);
export const devices = signal<ReadonlyMap<number, Device>>(new Map());
export const alerts = signal<ReadonlyMap<number, Alert>>(new Map());
/** What watches were told, as far as this page has heard of it. */
export const commands = signal<ReadonlyMap<number, Command>>(new Map());
export const connection = signal<Connection>("connecting");
export const engineOk = signal(true);
/** Since when the server hears no watch at all. */
export const notHeardSince = signal<string | null>(null);
/** Who is on call in each role; null until the server has said so. */
export const onCall = signal<readonly DutyRole[] | null>(null);
/** Local time of the last message; before the first one, of the page's start. */
export const heardAtMs = signal(Date.now());
/** False until the first snapshot: an empty queue must not read as "no alarm". */
export const informed = signal(false);

const clock = new ServerClock();
/** The server's time, moved on once a second by the ticker. Ages hang on it; the map does not. */
export const nowMs = signal(Date.now());

export const queue = computed(() => queueOf(alerts.value.values()));
export const untreated = computed(() => queue.value.filter((alert) => alert.state === "triggered"));

/** Those for which the map moves and rings: a low battery takes it out of nobody's hands. */
export const untreatedVital = computed(() => untreated.value.filter((alert) => alert.vital));

/** Whose alert it is; undefined when it concerns everybody, or somebody who is not on the screen. */
export function deviceOf(alert: Alert): Device | undefined {
  return alert.device_id === null ? undefined : devices.value.get(alert.device_id);
}

export function serverNowMs(): number {
  return Date.now() + clock.offsetMs;
}

export function applyMessage(message: ServerMessage): void {
  heardAtMs.value = Date.now();
  clock.observe(Date.parse(message.server_at), Date.now());
  if (message.type === "heartbeat") {
    engineOk.value = message.engine_ok;
    notHeardSince.value = message.not_heard_since_at ?? null;
    return;
  }
  if (message.type === "on_call") {
    onCall.value = message.roles;
    return;
  }
  if (message.type === "snapshot") {
    organisation.value = message.organisation;
    account.value = message.account;
    devices.value = new Map(message.devices.map((device) => [device.id, device]));
    alerts.value = new Map(message.alerts.map((alert) => [alert.id, alert]));
    applyCommands(message.commands);
    informed.value = true;
    return;
  }
  if (message.devices.length > 0) devices.value = replaced(devices.value, message.devices);
  if (message.alerts.length > 0) alerts.value = replaced(alerts.value, message.alerts);
  applyCommands(message.commands);
}

/** From the socket, or an answer that may be older than what the socket already brought. */
export function applyCommands(came: readonly Command[]): void {
  if (came.length > 0) commands.value = withCommands(commands.value, came);
}

/** The answer to an acknowledgement; it may be older than what the socket already brought. */
export function applyAnswer(alert: Alert): void {
  const kept = furtherAlong(alerts.value.get(alert.id), alert);
  alerts.value = replaced(alerts.value, [kept]);
}

function replaced<T extends { id: number }>(known: ReadonlyMap<number, T>, changed: readonly T[]): Map<number, T> {
  const next = new Map(known);
  for (const one of changed) next.set(one.id, one);
  return next;
}
