import { effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { alerts } from "../store";
import { headline } from "../text/alert_words";
import { words } from "../text/language";

const alarmNews = signal("");
const quietNews = signal("");

/** Spoken by screen readers: new alarms at once, acknowledgements when there is a pause. */
export function Announcer() {
  useEffect(watchNews, []);
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
    if (fresh.length > 0) {
      alarmNews.value = fresh.map((alert) => words.newAlert(headline(alert, words), alert.agent)).join(". ");
    }
    const taken = current.filter((alert) => alert.state === "acknowledged" && states.get(alert.id) === "triggered");
    if (taken.length > 0) {
      quietNews.value = taken
        .map((alert) => words.acknowledgedNews(alert.ref, alert.acknowledged_by ?? words.someone))
        .join(". ");
    }
    states = new Map(current.map((alert) => [alert.id, alert.state]));
  });
}
