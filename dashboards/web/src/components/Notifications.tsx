import type { Notification, NotificationState } from "../contract";
import { distanceText } from "../text/instants";
import { words } from "../text/language";
import { Instant } from "./Instants";

const MARKS: Record<NotificationState, string> = {
  pending: "…",
  sending: "→",
  sent: "✓",
  ambiguous: "?",
  failed: "✕",
  cancelled: "–",
};

/** Who has been told, by which way, and whether it worked. */
export function Notifications({ notifications }: { notifications: readonly Notification[] }) {
  return (
    <section class="notifications" aria-label={words.messages}>
      <h3>{words.messages}</h3>
      {notifications.length === 0 && <p class="quiet">{words.noMessages}</p>}
      <ul>
        {notifications.map((one) => (
          <li key={one.id} data-notification-id={one.id} data-state={one.state}>
            <span class="mark" aria-hidden="true">
              {MARKS[one.state] ?? "?"}
            </span>
            <span>
              <b>{words.channel[one.channel] ?? one.channel}</b> {one.contact}
              {one.distance_m !== null && ` ${words.atDistance(distanceText(one.distance_m, words))}`}
            </span>
            <span class="notification-state">
              {words.notification[one.state] ?? one.state} {one.sent_at && <Instant at={one.sent_at} />}
              {one.delivered_at && (
                <span class="reached">
                  , {words.reached} <Instant at={one.delivered_at} />
                </span>
              )}
              {one.answer && one.answered_at && (
                <span class="answer">
                  , {words.answeredWith(one.answer)} <Instant at={one.answered_at} />
                </span>
              )}
              {one.attempts > 1 && ` (${words.attempts(one.attempts)})`}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
