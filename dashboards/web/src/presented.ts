import { send } from "./socket";
import { untreated } from "./store";

const told = new Set<number>();
const rendered = new Set<number>();

/** A queue row is in the page. Whether anybody could see it is decided by tellPresented(). */
export function markRendered(alertId: number): void {
  rendered.add(alertId);
  requestAnimationFrame(tellPresented);
}

/** Tell the server, once per alarm, that it stands on a visible screen: the proof that a dispatcher could see it. */
export function tellPresented(): void {
  if (document.visibilityState !== "visible") return;
  for (const { id } of untreated.value) {
    if (rendered.has(id) && !told.has(id) && send({ type: "presented", alert_id: id })) told.add(id);
  }
}
