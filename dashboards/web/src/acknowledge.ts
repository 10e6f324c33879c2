import { signal } from "@preact/signals";
import type { Alert } from "./contract";
import { post, refusalLines, refusalOf } from "./request";
import { alerts, applyAnswer } from "./store";
import { words } from "./text/language";

/** Where each acknowledgement stands, while it is under way or has failed. */
export type Attempt = { state: "sending" } | { state: "failed"; lines: string[] };
export const attempts = signal<ReadonlyMap<number, Attempt>>(new Map());

function note(alertId: number, attempt: Attempt | null): void {
  const next = new Map(attempts.value);
  if (attempt) next.set(alertId, attempt);
  else next.delete(alertId);
  attempts.value = next;
}

/** Take ownership. Nothing is shown as done before the server says so: a lost click must not look like help. */
export async function acknowledge(alertId: number): Promise<void> {
  if (alerts.value.get(alertId)?.state !== "triggered" || attempts.value.get(alertId)?.state === "sending") return;
  note(alertId, { state: "sending" });
  try {
    const response = await post(`api/v1/alerts/${alertId}/acknowledge`, {});
    if (response.ok) {
      applyAnswer((await response.json()) as Alert);
      note(alertId, null);
    } else {
      note(alertId, await refused(response));
    }
  } catch {
    note(alertId, { state: "failed", lines: [words.notTaken, words.noAnswer] });
  }
}

async function refused(response: Response): Promise<Attempt> {
  const refusal = await refusalOf(response);
  if (response.status === 409 && refusal?.alert) {
    applyAnswer(refusal.alert);
    return { state: "failed", lines: [words.already(refusal.alert.acknowledged_by ?? words.someone)] };
  }
  return { state: "failed", lines: [words.notTaken, ...refusalLines(response.status, refusal)] };
}
