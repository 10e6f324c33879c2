const HOUR_MS = 3_600_000;
const wall = new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Paris", dateStyle: "short", timeStyle: "short" });

/** What a clock in Paris shows, as a field of date and time has it: 2026-01-14T18:00 */
export function parisLocal(ms: number): string {
  return wall.format(ms).replace(" ", "T");
}

/** When a clock in Paris shows that, the first time where it does twice; null when it never does. */
export function parisInstant(local: string): number | null {
  const asUtcMs = Date.parse(`${local}Z`);
  const found = [2, 1].map((hours) => asUtcMs - hours * HOUR_MS).find((ms) => !Number.isNaN(ms) && parisLocal(ms) === local);
  return found ?? null;
}
