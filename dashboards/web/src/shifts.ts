import { signal } from "@preact/signals";
import { ask, type Answer } from "./request";
import type { Begun, NewShift, ShiftChoices } from "./contract";

export type ShiftAct = "end" | "pause" | "resume";

/** Where each shift's last order stands, while it is under way or was refused. Done is what the socket brings. */
export type Order = { state: "sending" } | { state: "failed"; lines: string[] };
export const orders = signal<ReadonlyMap<number, Order>>(new Map());

function note(shiftId: number, order: Order | null): void {
  const next = new Map(orders.value);
  if (order) next.set(shiftId, order);
  else next.delete(shiftId);
  orders.value = next;
}

export async function tellShift(shiftId: number, act: ShiftAct): Promise<void> {
  if (orders.value.get(shiftId)?.state === "sending") return;
  note(shiftId, { state: "sending" });
  const answer = await ask(`api/v1/shifts/${shiftId}/${act}`, {});
  note(shiftId, answer.ok ? null : { state: "failed", lines: answer.lines });
}

export function askChoices(): Promise<Answer<ShiftChoices>> {
  return ask("api/v1/shifts/choices");
}

export function startShift(shift: NewShift): Promise<Answer<Begun>> {
  return ask("api/v1/shifts", shift);
}
