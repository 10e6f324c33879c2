import type { Alert } from "../contract";
import type { Words } from "./fr";

/** What the dispatcher reads first. An agent who is heard but still, and one who is not heard, need different calls. */
export function headline(alert: Alert, words: Words): string {
  if (alert.kind === "stillness" && alert.heard_after_episode === true) return words.stillButHeard;
  if (alert.kind === "stillness" && alert.heard_after_episode === false) return words.silentSince;
  return words.kind[alert.kind] ?? words.kind.technical;
}

/** What `episode_at` means for this kind of alert. */
export function episodeLabel(alert: Alert, words: Words): string {
  if (alert.kind === "sos") return words.sinceSos;
  if (alert.kind === "fall") return words.sinceFall;
  return alert.kind === "stillness" ? words.sinceMovement : words.sinceTechnical;
}
