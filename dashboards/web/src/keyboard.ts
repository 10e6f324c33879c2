import { acknowledge } from "./acknowledge";
import {
  cameraWish,
  closeSheet,
  cursorId,
  helpOpen,
  newShiftOpen,
  openAlertId,
  openDeviceId,
  shortcutsOn,
  toggleView,
} from "./screen";
import { alerts, queue } from "./store";

/** The row that has the keyboard, so that Enter and A act on what is marked. */
function moveCursor(step: 1 | -1): void {
  const rows = queue.value;
  if (rows.length === 0) return;
  const at = rows.findIndex((alert) => alert.id === cursorId.value);
  const next = at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step));
  const alert = rows[next];
  if (!alert) return;
  focusRow(alert.id);
}

/**
 * With nothing chosen, or only what somebody has taken already, the first press only chooses the most urgent alarm that
 * waits: nobody takes charge of an alarm they have not seen marked, and nobody presses in vain beside one that rings.
 */
function acknowledgeChosen(): void {
  const chosen = openAlertId.value ?? cursorId.value;
  const alert = chosen === null ? undefined : alerts.value.get(chosen);
  if (alert?.state === "triggered") void acknowledge(alert.id);
  else chooseFirstWaiting();
}

function chooseFirstWaiting(): void {
  const waiting = queue.value.find((alert) => alert.state === "triggered");
  if (!waiting) return;
  closeSheet();
  focusRow(waiting.id);
}

function focusRow(alertId: number): void {
  cursorId.value = alertId;
  document.querySelector<HTMLElement>(`[data-alert-id="${alertId}"] [data-action="open"]`)?.focus();
}

function centreChosen(): void {
  const device = openDeviceId.value;
  const alert = openAlertId.value ?? cursorId.value ?? queue.value[0]?.id ?? null;
  if (device !== null) cameraWish.value = { to: "device", id: device };
  else if (alert !== null) cameraWish.value = { to: "alert", id: alert };
  else cameraWish.value = { to: "department" };
}

/** The first who is not protected, or the counts when everybody is. */
function goToUnprotected(): void {
  const first = document.querySelector<HTMLElement>("#protection .row-open");
  (first ?? document.getElementById("protection-title"))?.focus();
}

function leave(): void {
  const from = openAlertId.value;
  closeSheet();
  if (from !== null) focusRow(from);
}

export function listenToKeys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const target = event.target as HTMLElement | null;
    if (target?.matches("input, textarea, select")) return;
    if (event.key === "Escape") return leave();
    if (!shortcutsOn.value) return;
    const onMap = target?.closest("#map") != null;
    const action = actionFor(event.key, onMap);
    if (!action || (event.repeat && action === acknowledgeChosen)) return;
    event.preventDefault();
    action();
  });
}

function actionFor(key: string, onMap: boolean): (() => void) | null {
  switch (key.toLowerCase()) {
    case "arrowdown":
      return onMap ? null : () => moveCursor(1);
    case "arrowup":
      return onMap ? null : () => moveCursor(-1);
    case "a":
      return acknowledgeChosen;
    case "c":
      return centreChosen;
    case "p":
      return goToUnprotected;
    case "m":
      return toggleView;
    case "s":
      return () => (newShiftOpen.value = true);
    case "?":
      return () => (helpOpen.value = true);
    default:
      return null;
  }
}
