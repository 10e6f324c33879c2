import { acknowledge, attempts } from "../acknowledge";
import type { Alert } from "../contract";
import { shortTimeText } from "../text/instants";
import { words } from "../text/language";
import { Refused } from "./Refused";

/** The button, what became of the last press, and who has the alarm. */
export function AcknowledgeButton({ alert }: { alert: Alert }) {
  const attempt = attempts.value.get(alert.id);
  const failed = attempt?.state === "failed" ? attempt.lines : [];
  return (
    <div class="ownership">
      {alert.state === "triggered" && (
        <button
          type="button"
          class="acknowledge"
          data-action="acknowledge"
          disabled={attempt?.state === "sending"}
          onClick={() => void acknowledge(alert.id)}
        >
          {attempt?.state === "sending" ? words.acknowledging : failed.length > 0 ? words.retry : words.acknowledge}
          <kbd>A</kbd>
        </button>
      )}
      {alert.state === "acknowledged" && (
        <p class="owner">
          ✓ {words.acknowledgedBy(alert.acknowledged_by ?? words.someone)}
          {alert.lapses_at && <small>{words.lapsesAt(shortTimeText(Date.parse(alert.lapses_at), words))}</small>}
        </p>
      )}
      {alert.state === "closed" && <p class="owner">{words.closedBy(alert.closed_by ?? words.someone)}</p>}
      {failed.length > 0 && <Refused lines={failed} />}
    </div>
  );
}
