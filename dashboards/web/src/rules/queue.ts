import type { Alert, AlertKind } from "../contract";

/** Smaller comes first. A kind this page does not know yet stands with the technical ones, never hidden. */
const PRIORITY: Record<AlertKind, number> = {
  sos: 0,
  duress: 0,
  fall: 1,
  stillness: 2,
  device_alarm: 3,
  check_missed: 3,
  infrastructure: 4,
  signal_lost: 5,
  technical: 6, // what could not be read may have been a call for help
  overrun: 7,
  left_area: 7,
  low_battery: 7,
  not_worn: 7,
  gnss_lost: 7,
  clock_unsafe: 7,
  restarted: 7,
  long_pause: 7,
};

export function priority(alert: Alert): number {
  return PRIORITY[alert.kind] ?? PRIORITY.technical;
}

/** Nobody in charge first, then the gravest kind, then the one that has waited longest. */
export function compareAlerts(a: Alert, b: Alert): number {
  return (
    Number(a.state !== "triggered") - Number(b.state !== "triggered") ||
    priority(a) - priority(b) ||
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

const RANK = { triggered: 0, acknowledged: 1, closed: 2 } as const;

/**
 * Of two versions of one alert that came by different ways, the one further along its life.
 * The answer to a POST can arrive after a newer delta, and must not bring a closed alert back.
 */
export function furtherAlong(known: Alert | undefined, answer: Alert): Alert {
  return known && RANK[known.state] > RANK[answer.state] ? known : answer;
}
