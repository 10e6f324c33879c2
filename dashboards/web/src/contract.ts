/** The words the server and the console share. Unknown is null, never 0. */

export interface Position {
  lon: number;
  lat: number;
  accuracy_m: number | null;
  fixed_at: string;
}

export type DeviceState = "moving" | "still" | "paused" | "silent" | "unknown" | "prealarm" | "alarm";
export type Level = "protected" | "degraded" | "not_protected" | "off_duty";

export interface Protection {
  level: Level;
  /** The gravest first; `not_heard` and `engine` are everybody's. A newer server may know reasons this page does not. */
  reasons: string[];
  /** Since when the level is this one. */
  since: string | null;
}

export interface Device {
  id: number;
  kind: "watch" | "van";
  label: string;
  tag: string;
  mission: string | null;
  on_shift: boolean;
  /** Whether it can be written to. */
  hears_commands: boolean;
  state: DeviceState;
  protection: Protection;
  profile: string | null;
  planned_end_at: string | null;
  /** The wearer is being asked whether all is well. */
  prealarm: { since: string } | null;
  position: Position | null;
  speed_mps: number | null;
  battery_pct: number | null;
  last_heard_at: string | null;
  last_evidence_at: string | null;
  stillness_due_at: string | null;
  shift_id: number | null;
  /** In a pause nobody is followed; SOS and falls are heard all the same. */
  paused_at: string | null;
}

export type AlertKind =
  | "sos"
  | "duress"
  | "fall"
  | "stillness"
  | "check_missed"
  | "device_alarm"
  | "van_hazard"
  | "infrastructure"
  | "overrun"
  | "left_area"
  | "signal_lost"
  | "low_battery"
  | "not_worn"
  | "gnss_lost"
  | "clock_unsafe"
  | "restarted"
  | "long_pause"
  | "technical";
export type AlertState = "triggered" | "acknowledged" | "closed";
export type NotificationState = "pending" | "sending" | "sent" | "ambiguous" | "failed" | "cancelled";

export interface Notification {
  id: number;
  channel: string;
  /** Who is told, or the name of a machine; null: whoever watches the console, or wears the watch. */
  contact: string | null;
  state: NotificationState;
  /** When it was first tried, or is due. */
  since: string;
  changed_at: string;
  sent_at: string | null;
  /** When the watch said that it shows it, or the provider that the telephone has it; other ways never say. */
  delivered_at: string | null;
  /** The provider took it and never said what became of it, however often it was asked. */
  delivery_unknown: boolean;
  attempts: number;
  /** How far a colleague was from whoever is in danger when he was asked. */
  distance_m: number | null;
  answered_at: string | null;
  answer: string | null;
  /** Since when a cap holds it back. */
  held_at: string | null;
  /** The last word of whoever carries it, and why it did not arrive. */
  provider_status: string | null;
  error_code: string | null;
  http_status: number | null;
}

/** A step that could tell nobody. */
export interface UnreachedStep {
  at: string;
  step: number;
  channel: string;
  to: string;
  /** No server sends by its channel, or knows its target; absent: it named nobody who could be told. */
  why?: "no_channel" | "no_target";
}

/** Who is told next, as the policy says it: `rank 1`, `person NAME`, `duty ROLE`, `target NAME` or `console`. */
export interface NextStep {
  at: string;
  channel: string;
  to: string;
  /** Who has that rank. */
  contact: string | null;
  /** Only then is somebody told; else the step is passed over. */
  days: string | null;
  between: string | null;
}

export type CommandKind = "prealarm" | "prealarm_cancel" | "checkin" | "message" | "locate";
export type CommandState = "pending" | "sending" | "sent" | "delivered" | "answered" | "expired" | "failed";

/** The answer of a colleague who goes. */
export const GOES = "Oui"; // as alerts/wording.py

/** What a watch was told, and what became of it. */
export interface Command {
  id: number;
  device_id: number;
  kind: CommandKind;
  text: string | null;
  replies: string[];
  /** Who asked; null: the rules did. */
  by: string | null;
  state: CommandState;
  created_at: string;
  sent_at: string | null;
  delivered_at: string | null;
  answered_at: string | null;
  answer: string | null;
  expires_at: string;
}

/** What a dispatcher may tell a watch. */
export type Wish = { kind: "message"; text: string; replies: string[] } | { kind: "locate" };

/** What else a human should know; each only where it was known. */
export interface AlertDetail {
  prealarm?: "delivered" | "not_delivered" | "impossible";
  agents?: number;
  /** Of a van at which a vehicle comes: how far away that was, and how many agents may be there. */
  range_m?: number;
  beside?: number;
  alarm?: string;
  cause?: string;
}

/** What has happened since the alert was raised: what the watch said, and what became of the escalation. */
export interface AlertNews {
  kind: "moved_in_alarm" | "rearmed" | "repeated" | "lapsed" | "steps_exhausted" | "step_reaches_nobody" | "step_withheld" | "well_again";
  times: number;
  first_at: string;
  last_at: string;
}

/** What a dispatcher wrote down. */
export interface AlertNote {
  at: string;
  by: string | null;
  text: string;
}

/** What an alert was, as whoever closes it says. */
export type Cause = "real" | "false" | "test" | "technical";
export const CAUSES: readonly Cause[] = ["real", "false", "test", "technical"];

export interface Closing {
  cause: Cause;
  reached: boolean;
  outcome: string;
}

export interface Alert {
  id: number;
  ref: string;
  kind: AlertKind;
  state: AlertState;
  /** Null: it concerns everybody. */
  device_id: number | null;
  agent: string;
  mission: string | null;
  position: Position | null;
  /** Last evidence of movement, or the moment SOS was pressed. */
  episode_at: string;
  /** The deadline that passed. */
  triggered_at: string;
  raised_at: string;
  received_late_s: number | null;
  /** true: the watch still talks, the agent does not move. false: nothing heard since. */
  heard_after_episode: boolean | null;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  /** Without any action until then the escalation goes on. */
  lapses_at: string | null;
  closed_at: string | null;
  closed_by: string | null;
  cause: Cause | null;
  outcome: string | null;
  /** Whether somebody has spoken to the wearer, or seen him. */
  reached: boolean | null;
  /** 1 is told of first. */
  priority: number;
  /** The first alert of the same danger. */
  incident: number;
  notes: AlertNote[];
  notifications: Notification[];
  unreached: UnreachedStep[];
  /** Null: somebody has it, or nobody is left. */
  next_step: NextStep | null;
  /** Somebody may be in danger now; else only a protection is broken. */
  vital: boolean;
  detail: AlertDetail;
  history: AlertNews[];
}

/** A shift, and how long nobody would have been told in time. */
export interface ShiftProtection {
  id: number;
  agent: string;
  mission: string;
  started_at: string;
  ended_at: string | null;
  not_protected_s: number;
  degraded_s: number;
  spans: { from: string; until: string; level: Level; reasons: string[] }[];
}

export interface Named {
  id: number;
  name: string;
}

export interface Snapshot {
  type: "snapshot";
  server_at: string;
  organisation: Named;
  account: Named;
  devices: Device[];
  alerts: Alert[];
  /** Those that changed lately: what was answered while the page was away. */
  commands: Command[];
}

export interface Delta {
  type: "delta";
  server_at: string;
  devices: Device[];
  alerts: Alert[];
  commands: Command[];
}

export interface Heartbeat {
  type: "heartbeat";
  server_at: string;
  tick_age_s: number | null;
  engine_ok: boolean;
  /** Since when no server hears the watches. */
  not_heard_since_at: string | null;
}

/** Somebody is on call, from `from` on, before `until`. */
export interface DutyEntry {
  id: number;
  role: string;
  contact: string;
  from: string;
  until: string;
  /** Else a calendar says so. */
  by_hand: boolean;
}

export interface DutyRole {
  name: string;
  /** Whether a policy names it. */
  called: boolean;
  now: DutyEntry[];
  next: DutyEntry | null;
  /** By these channels a step that is due now would tell nobody. */
  unreached: string[];
}

export interface OnCall {
  type: "on_call";
  server_at: string;
  roles: DutyRole[];
}

/** All of it, to be changed. */
export interface Rota {
  roles: DutyRole[];
  entries: DutyEntry[];
  contacts: Named[];
}

export interface NewDuty {
  role: string;
  contact_id: number;
  from: string;
  until: string;
}

export type ServerMessage = Snapshot | Delta | Heartbeat | OnCall;

/** Who and what is free for a new shift; an agent's own watch is preferred. */
export interface ShiftChoices {
  agents: (Named & { device_id: number | null })[];
  watches: { id: number; label: string }[];
  profiles: string[];
}

export interface NewShift {
  agent_id: number;
  device_id: number;
  mission: string | null;
  profile: string | null;
  planned_end_at: string | null;
}

/** Not `reachable`: it has begun, and nobody would hear its alarms. */
export interface Begun {
  shift_id: number;
  reachable: boolean;
}

/** What every refused request carries. `alert` comes with a lost race for the acknowledgement. */
export interface Refusal {
  what: string;
  expected?: string;
  do?: string;
  alert?: Alert;
}

/** Null when the text is not a message of this contract: a newer server must not break an open page. */
export function readMessage(text: string): ServerMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const message = value as Partial<ServerMessage>;
  switch (message.type) {
    case "heartbeat":
      return message as Heartbeat;
    case "on_call":
      return Array.isArray(message.roles) ? (message as OnCall) : null;
    case "snapshot":
    case "delta":
      return Array.isArray(message.devices) && Array.isArray(message.alerts) ? (message as Snapshot | Delta) : null;
    default:
      return null;
  }
}
