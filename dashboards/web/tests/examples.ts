import type { Alert, Command, Device, Notification } from "../src/contract";

export const AT = "2026-01-14T06:42:03Z";

export function anAlert(change: Partial<Alert>): Alert {
  return {
    id: 1,
    ref: "A1",
    kind: "stillness",
    state: "triggered",
    device_id: 1,
    agent: "Martin Lefèvre",
    mission: null,
    position: null,
    episode_at: AT,
    triggered_at: AT,
    raised_at: AT,
    received_late_s: null,
    heard_after_episode: null,
    acknowledged_at: null,
    acknowledged_by: null,
    lapses_at: null,
    closed_at: null,
    closed_by: null,
    cause: null,
    outcome: null,
    reached: null,
    priority: 3,
    incident: 1,
    notes: [],
    notifications: [],
    unreached: [],
    next_step: null,
    vital: true,
    detail: {},
    history: [],
    ...change,
  };
}

export function aDevice(change: Partial<Device>): Device {
  return {
    id: 1,
    kind: "watch",
    label: "Martin Lefèvre",
    tag: "ML",
    mission: null,
    on_shift: true,
    hears_commands: true,
    state: "moving",
    protection: { level: "protected", reasons: [], since: AT },
    profile: "default",
    planned_end_at: null,
    prealarm: null,
    position: null,
    speed_mps: null,
    battery_pct: null,
    last_heard_at: null,
    last_evidence_at: null,
    stillness_due_at: null,
    shift_id: null,
    paused_at: null,
    ...change,
  };
}

export function aCommand(change: Partial<Command>): Command {
  return {
    id: 1,
    device_id: 1,
    kind: "message",
    text: "On passe à midi ?",
    replies: ["Oui", "Non"],
    by: "Poste de supervision",
    state: "pending",
    created_at: AT,
    sent_at: null,
    delivered_at: null,
    answered_at: null,
    answer: null,
    expires_at: AT,
    ...change,
  };
}

/** Not protected, for that reason. */
export function bare(reason: string, since: string | null = AT): Pick<Device, "protection"> {
  return { protection: { level: "not_protected", reasons: [reason], since } };
}

/** A message that was sent, except for what is said. */
export function aMessage(change: Partial<Notification>): Notification {
  return {
    id: 1,
    channel: "sms",
    contact: "Anne Petit",
    state: "sent",
    since: AT,
    changed_at: AT,
    sent_at: null,
    delivered_at: null,
    attempts: 1,
    distance_m: null,
    answered_at: null,
    answer: null,
    held_at: null,
    delivery_unknown: false,
    provider_status: null,
    error_code: null,
    http_status: null,
    ...change,
  };
}
