import { computed, effect, signal } from "@preact/signals";
import type { Command, Wish } from "./contract";
import { get, post, refusalLines, refusalOf } from "./request";
import { isReply } from "./rules/commands";
import { openAlert, openDeviceId } from "./screen";
import { applyCommands, commands, connection } from "./store";
import { words } from "./text/language";

/** Answers that this dispatcher has had before his eyes. */
const read = signal<ReadonlySet<number>>(new Set());
const shownDeviceId = computed(() => openDeviceId.value ?? openAlert.value?.device_id ?? null);

/** Answers of wearers whose card is not open: without this a "no" would come and nobody would look. */
export const unreadReplies = computed(() =>
  [...commands.value.values()].filter((one) => isReply(one) && !read.value.has(one.id)),
);

export function markRead(...ids: number[]): void {
  if (ids.some((id) => !read.peek().has(id))) read.value = new Set([...read.peek(), ...ids]);
}

/** While a watch's card or alarm is open, its commands are known from the first on and its answers are read. */
export function followShownWatch(): void {
  effect(() => {
    const deviceId = shownDeviceId.value;
    if (deviceId !== null && connection.value === "live") void load(deviceId);
  });
  effect(() => {
    const shown = unreadReplies.value.filter((one) => one.device_id === shownDeviceId.value);
    markRead(...shown.map((one) => one.id));
  });
}

async function load(deviceId: number): Promise<void> {
  try {
    applyCommands((await get<{ commands: Command[] }>(`api/v1/devices/${deviceId}/commands`)).commands);
  } catch (cause) {
    console.warn("The commands of a watch cannot be read; what becomes of new ones is shown.", cause);
  }
}

/** Tell a watch something; the lines to show when it was NOT queued, none when it was. */
export async function tell(deviceId: number, wish: Wish): Promise<string[]> {
  try {
    const response = await post(`api/v1/devices/${deviceId}/commands`, wish);
    if (!response.ok) return [words.notWritten, ...refusalLines(response.status, await refusalOf(response))];
    applyCommands([(await response.json()) as Command]);
    return [];
  } catch {
    return [words.notWritten, words.noAnswer];
  }
}
