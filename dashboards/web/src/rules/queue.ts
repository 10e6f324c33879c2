import type { Alert, AlertKind } from "../contract";

/** Nobody in charge first, then the gravest kind, then the one that has waited longest. */
export function compareAlerts(a: Alert, b: Alert): number {
  return (
    Number(a.state !== "triggered") - Number(b.state !== "triggered") ||
    a.priority - b.priority ||
    Date.parse(a.episode_at) - Date.parse(b.episode_at) ||
    a.id - b.id
  );
}

/** Closed alerts have left the queue. */
export function queueOf(alerts: Iterable<Alert>): Alert[] {
  return [...alerts].filter((alert) => alert.state !== "closed").sort(compareAlerts);
}

/**
 * The order shown while the pointer rests on the queue: rows already there keep their place,
 * new ones go below. A row that moves under the pointer gets the click meant for another agent.
 */
export function heldOrder(queue: readonly Alert[], shownIds: readonly number[]): Alert[] {
  const byId = new Map(queue.map((alert) => [alert.id, alert]));
  const kept = shownIds.flatMap((id) => byId.get(id) ?? []);
  const shown = new Set(shownIds);
  return [...kept, ...queue.filter((alert) => !shown.has(alert.id))];
}

/** Only when somebody has spoken to these wearers, or seen them, may their alerts be closed. */
const NEEDS_REACHED: ReadonlySet<AlertKind> = new Set<AlertKind>(["sos", "duress", "fall", "stillness"]);

export function needsReached(alert: Alert): boolean {
  return NEEDS_REACHED.has(alert.kind);
}

/** The other alerts of the same danger, the first first. */
export function sameIncident(alert: Alert, alerts: Iterable<Alert>): Alert[] {
  return [...alerts].filter((one) => one.incident === alert.incident && one.id !== alert.id).sort((a, b) => a.id - b.id);
}

const RANK = { triggered: 0, acknowledged: 1, closed: 2 } as const;

/**
 * What to show of an alert when the answer to a POST comes: the answer only where it takes the alert further along its life.
 * Otherwise it may be older than what the socket brought meanwhile, which is never sent twice; what is newer in it, the
 * socket brings as well.
 */
export function furtherAlong(known: Alert | undefined, answer: Alert): Alert {
  return known && RANK[known.state] >= RANK[answer.state] ? known : answer;
}
