import { computed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Alert, Notification, NotificationState, UnreachedStep } from "../contract";
import { isUndelivered } from "../rules/delivery";
import { nowMs } from "../store";
import { providerText, unreachedText, whyText } from "../text/delivery_words";
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

/** Who has been told, by which way, and whether it worked; what did not, and why. */
export function Notifications({ alert }: { alert: Alert }) {
  return (
    <section class="notifications" aria-label={words.messages}>
      <h3>{words.messages}</h3>
      {alert.notifications.length + alert.unreached.length === 0 && <p class="quiet">{words.noMessages}</p>}
      <ul>
        {alert.unreached.map((step) => (
          <Unreached key={`${step.step} ${step.at}`} step={step} />
        ))}
        {alert.notifications.map((one) => (
          <Message key={one.id} message={one} />
        ))}
      </ul>
    </section>
  );
}

function Message({ message }: { message: Notification }) {
  const undelivered = useMemo(() => computed(() => isUndelivered(message, nowMs.value)), [message]).value;
  const why = undelivered ? whyText(message, words) : null;
  const word = message.delivered_at === null ? providerText(message, words) : null;
  return (
    <li data-notification-id={message.id} data-state={message.state} class={undelivered ? "undelivered" : undefined}>
      <span class="mark" aria-hidden="true">
        {undelivered ? "✕" : (MARKS[message.state] ?? "?")}
      </span>
      <span>
        <b>{words.channel[message.channel] ?? message.channel}</b> {message.contact}
        {message.distance_m !== null && ` ${words.atDistance(distanceText(message.distance_m, words))}`}
      </span>
      <span class="notification-state">
        {words.notification[message.state] ?? message.state} <MessageInstant message={message} undelivered={undelivered} />
        {message.delivered_at && (
          <span class="reached">
            , {message.channel === "watch" ? words.reached : words.delivered} <Instant at={message.delivered_at} />
          </span>
        )}
        {message.answer && message.answered_at && (
          <span class="answer">
            , {words.answeredWith(message.answer)} <Instant at={message.answered_at} />
          </span>
        )}
        {message.delivery_unknown && `, ${words.deliveryUnknown}`}
        {message.held_at !== null && `, ${words.heldBack}`}
        {why !== null && ` : ${why}`}
        {word !== null && `. ${words.providerSays(word)}`}
        {message.attempts > 1 && ` (${words.attempts(message.attempts)})`}
      </span>
    </li>
  );
}

function MessageInstant({ message, undelivered }: { message: Notification; undelivered: boolean }) {
  if (message.state === "failed") return <Instant at={message.changed_at} />;
  if (undelivered)
    return (
      <>
        {words.since} <Instant at={message.since} />
      </>
    );
  return message.sent_at && <Instant at={message.sent_at} />;
}

function Unreached({ step }: { step: UnreachedStep }) {
  const [kind, ...name] = step.to.split(" ");
  const whom = kind === "rank" ? words.rank(name.join(" ")) : name.join(" ");
  return (
    <li data-state="failed" class="undelivered">
      <span class="mark" aria-hidden="true">
        ✕
      </span>
      <span>
        <b>{words.channel[step.channel] ?? step.channel}</b> {whom}
      </span>
      <span class="notification-state">
        {unreachedText(step, words)} <Instant at={step.at} />
      </span>
    </li>
  );
}
