const FIRST_MS = 500;
const MOST_MS = 5_000;

/**
 * Wait before the n-th attempt (0 is the first) to reconnect.
 * The upper half is random, so that twenty consoles do not return in the same instant.
 */
export function backoffMs(attempt: number, random: number): number {
  const full = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(full / 2 + (full / 2) * random);
}
