import type { Alert, Command, CommandState } from "../contract";

/** A page that is open for weeks must not keep every command of them. */
const MOST_KEPT = 500;

/** What was given up may still turn out to have arrived: a watch says so when it is back in coverage. */
const RANKS: Record<CommandState, number> = {
  pending: 0,
  sending: 1,
  sent: 2,
  failed: 3,
  expired: 3,
  delivered: 4,
  answered: 5,
};

/** The known commands with those that came; an older picture of one never replaces a newer. */
export function withCommands(known: ReadonlyMap<number, Command>, came: readonly Command[]): Map<number, Command> {
  const next = new Map(known);
  for (const one of came) {
    const before = next.get(one.id);
    if (!before || RANKS[one.state] >= RANKS[before.state]) next.set(one.id, one);
  }
  if (next.size <= MOST_KEPT) return next;
  const oldest = [...next.keys()].sort((a, b) => a - b).slice(0, next.size - MOST_KEPT);
  for (const id of oldest) next.delete(id);
  return next;
}

/** What a device was told, newest first. That a pre-alarm is over is no news of its own. */
export function commandsOf(deviceId: number, known: Iterable<Command>, most: number): Command[] {
  return [...known]
    .filter((one) => one.device_id === deviceId && one.kind !== "prealarm_cancel")
    .sort((a, b) => b.id - a.id)
    .slice(0, most);
}

/** Whether a wearer has answered what a person asked. */
export function isReply(command: Command): boolean {
  return command.state === "answered" && command.kind === "message";
}

/** A discreet SOS is open: a watch or telephone that rings would betray its wearer. */
export function isDiscreet(deviceId: number, alerts: Iterable<Alert>): boolean {
  for (const { device_id, kind, state } of alerts) {
    if (device_id === deviceId && kind === "duress" && state !== "closed") return true;
  }
  return false;
}
