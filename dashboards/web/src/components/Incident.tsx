import type { Alert } from "../contract";
import { sameIncident } from "../rules/queue";
import { openSheet } from "../screen";
import { alerts } from "../store";
import { headline } from "../text/alert_words";
import { words } from "../text/language";

/** What else was raised of the same danger. */
export function Incident({ alert }: { alert: Alert }) {
  const others = sameIncident(alert, alerts.value.values());
  if (others.length === 0) return null;
  return (
    <p class="incident">
      {words.sameIncident}{" "}
      {others.map((one) => (
        <button key={one.id} type="button" data-action="open-incident" onClick={() => openSheet(one.id)}>
          {headline(one, words)} <span class="ref">{one.ref}</span>
        </button>
      ))}
    </p>
  );
}
