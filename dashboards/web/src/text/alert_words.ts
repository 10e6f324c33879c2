import { type Alert, GOES } from "../contract";
import type { Words } from "./fr";
import { distanceText } from "./instants";

/** What the dispatcher reads first. An agent who is heard but still, and one who is not heard, need different calls. */
export function headline(alert: Alert, words: Words): string {
  if (alert.kind === "stillness" && alert.heard_after_episode === true) return words.stillButHeard;
  if (alert.kind === "stillness" && alert.heard_after_episode === false) return words.silentSince;
  return words.kind[alert.kind] ?? words.kind.technical;
}

/** What `episode_at` means for this kind of alert. */
export function episodeLabel(alert: Alert, words: Words): string {
  switch (alert.kind) {
    case "sos":
    case "duress":
      return words.sinceSos;
    case "fall":
      return words.sinceFall;
    case "stillness":
      return words.sinceMovement;
    case "check_missed":
      return words.sinceAnswer;
    case "van_hazard":
      return words.sinceHazard;
    default:
      return words.sinceTechnical;
  }
}

/** What whoever answers must know before calling. */
export function remarks(alert: Alert, words: Words): string[] {
  const { prealarm, alarm, agents, range_m, beside, cause } = alert.detail;
  const said: string[] = [];
  const moved = alert.history.some((news) => news.kind === "moved_in_alarm");
  if (alert.kind === "stillness" && alert.heard_after_episode !== null && !moved) {
    said.push(alert.heard_after_episode ? words.heardYes : words.heardNo);
  }
  if (prealarm) said.push(words.prealarmWas[prealarm] ?? prealarm);
  if (alarm) said.push(words.deviceAlarm(alarm));
  if (range_m !== undefined) said.push(words.vehicleAt(range_m));
  if (beside !== undefined) said.push(words.agentsBeside(beside));
  if (agents !== undefined) said.push(words.agentsOnShift(agents));
  if (cause === "internal_error") said.push(words.internalError);
  for (const { contact, distance_m, answer } of alert.notifications) {
    if (answer === GOES && contact !== null && distance_m !== null) {
      said.push(words.goes(contact, distanceText(distance_m, words)));
    }
  }
  return said;
}
