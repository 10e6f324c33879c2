import type { Level } from "../contract";
import type { Words } from "./fr";

/** Beside the word, never instead of it: full, half, empty. */
export const LEVEL_MARKS: Record<Level, string> = { protected: "●", degraded: "◐", not_protected: "○", off_duty: "–" };

/** "montre silencieuse, batterie faible"; a reason this page does not know is shown as the server says it. */
export function reasonsText(reasons: readonly string[], words: Words): string {
  return reasons.map((reason) => words.reason[reason] ?? reason).join(", ");
}
