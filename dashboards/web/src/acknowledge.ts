import { signal } from "@preact/signals";
import type { Alert, Refusal } from "./contract";
import { alerts, applyAnswer } from "./store";
import { words } from "./text/language";

/** Where each acknowledgement stands, while it is under way or has failed. */
export type Attempt = { state: "sending" } | { state: "failed"; lines: string[] };
export const attempts = signal<ReadonlyMap<number, Attempt>>(new Map());

const ANSWER_LIMIT_MS = 8_000;

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
    const response = await fetch(new URL(`api/v1/alerts/${alertId}/acknowledge`, document.baseURI), {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Gyrophare": "console" },
      body: "{}",
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
    if (response.ok) {
      applyAnswer((await response.json()) as Alert);
      note(alertId, null);
    } else {
      note(alertId, refused(response.status, await refusalOf(response)));
    }
  } catch {
    note(alertId, { state: "failed", lines: [words.notTaken, words.noAnswer] });
  }
}

async function refusalOf(response: Response): Promise<Refusal | null> {
  try {
    const body = (await response.json()) as { error?: Refusal };
    return body.error ?? null;
  } catch {
    return null;
  }
}

function refused(status: number, refusal: Refusal | null): Attempt {
  if (status === 409 && refusal?.alert) {
    applyAnswer(refusal.alert);
    return { state: "failed", lines: [words.already(refusal.alert.acknowledged_by ?? words.someone)] };
  }
  if (status === 401) return { state: "failed", lines: [words.notTaken, words.session] };
  const lines = refusal
    ? [refusal.what, refusal.expected && words.expected(refusal.expected), refusal.do]
    : [words.refused(status)];
  return { state: "failed", lines: [words.notTaken, ...lines.filter((line): line is string => !!line)] };
}
