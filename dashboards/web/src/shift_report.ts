import { signal } from "@preact/signals";
import type { ShiftProtection } from "./contract";
import { serverNowMs } from "./store";

/** What the last look at the shifts brought. Each look is written down by the server, so nothing asks by itself. */
export type Report = { state: "loading" } | { state: "failed" } | { state: "shown"; shifts: ShiftProtection[] };
export const report = signal<Report>({ state: "loading" });

const DAY_MS = 86_400_000;
const ANSWER_LIMIT_MS = 15_000;

/** Ask for the shifts of the last 24 hours. */
export async function loadReport(): Promise<void> {
  report.value = { state: "loading" };
  const now = serverNowMs();
  const url = new URL("api/v1/shifts/protection", document.baseURI);
  url.searchParams.set("from", new Date(now - DAY_MS).toISOString());
  url.searchParams.set("until", new Date(now).toISOString());
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    if (!response.ok) throw new Error(`code ${response.status}`);
    report.value = { state: "shown", shifts: ((await response.json()) as { shifts: ShiftProtection[] }).shifts };
  } catch {
    report.value = { state: "failed" };
  }
}
