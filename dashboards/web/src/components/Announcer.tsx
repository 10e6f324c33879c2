import { effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Alert } from "../contract";
import { alerts, devices } from "../store";
import { headline } from "../text/alert_words";
import { words } from "../text/language";
import { unreadReplies } from "../watch_commands";

const alarmNews = signal("");
const quietNews = signal("");

/** Spoken by screen readers: somebody in danger at once, everything else when there is a pause. */
export function Announcer() {
  useEffect(watchNews, []);
  useEffect(watchReplies, []);
  return (
    <div class="for-ears">
      <div role="alert" id="announce-alarm">
        {alarmNews}
      </div>
      <div role="status" id="announce-status">
        {quietNews}
      </div>
    </div>
  );
}

function watchNews(): () => void {
  let states = new Map<number, string>();
  return effect(() => {
    const current = [...alerts.value.values()];
    const fresh = current.filter((alert) => alert.state === "triggered" && !states.has(alert.id));
    const announced = (some: readonly Alert[]) => some.map((alert) => words.newAlert(headline(alert, words), alert.agent));
    const vital = fresh.filter((alert) => alert.vital);
    if (vital.length > 0) alarmNews.value = announced(vital).join(". ");
    const taken = current.filter((alert) => alert.state === "acknowledged" && states.get(alert.id) === "triggered");
    const quiet = [
      ...announced(fresh.filter((alert) => !alert.vital)),
      ...taken.map((alert) => words.acknowledgedNews(alert.ref, alert.acknowledged_by ?? words.someone)),
    ];
    if (quiet.length > 0) quietNews.value = quiet.join(". ");
    states = new Map(current.map((alert) => [alert.id, alert.state]));
  });
}

function watchReplies(): () => void {
  let heard = new Set<number>();
  return effect(() => {
    const replies = unreadReplies.value;
    const fresh = replies.filter((one) => !heard.has(one.id));
    if (fresh.length > 0) {
      const name = (deviceId: number) => devices.peek().get(deviceId)?.label ?? words.watch;
      quietNews.value = fresh.map((one) => words.replyNews(name(one.device_id), one.answer ?? "")).join(". ");
    }
    heard = new Set(replies.map((one) => one.id));
  });
}
