import type { Alert, Closing } from "./contract";
import { ask } from "./request";
import { applyAnswer } from "./store";

/** What is done with an alert that somebody has. Each gives the lines that say why it was not done; none: it was. */

export function writeNote(alertId: number, text: string): Promise<string[]> {
  return done(`api/v1/alerts/${alertId}/notes`, { text });
}

export function closeAlert(alertId: number, closing: Closing): Promise<string[]> {
  return done(`api/v1/alerts/${alertId}/close`, closing);
}

async function done(path: string, body: object): Promise<string[]> {
  const answer = await ask<Alert>(path, body);
  if (!answer.ok) return answer.lines;
  applyAnswer(answer.value);
  return [];
}
