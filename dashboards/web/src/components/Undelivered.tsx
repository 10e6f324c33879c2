import { undeliveredOf } from "../rules/delivery";
import { openSheet } from "../screen";
import { nowMs, queue } from "../store";
import { words } from "../text/language";

/** When a provider is down every alert has some; the first ones are those that wait. */
const MOST_REFS = 4;

/** Messages of all open alerts that told nobody, and the way to them. */
export function Undelivered() {
  const found = queue.value.map((alert) => ({ alert, count: undeliveredOf(alert, nowMs.value) })).filter((one) => one.count > 0);
  if (found.length === 0) return null;
  const total = found.reduce((sum, one) => sum + one.count, 0);
  return (
    <p class="undelivered" id="undelivered">
      <b>{words.undelivered(total)}</b>{" "}
      {found.slice(0, MOST_REFS).map(({ alert }) => (
        <button key={alert.id} type="button" data-action="open-undelivered" onClick={() => openSheet(alert.id)}>
          <span class="for-ears">{words.open} </span>
          {alert.ref}
        </button>
      ))}
      {found.length > MOST_REFS && <span>{words.andOthers(found.length - MOST_REFS)}</span>}
    </p>
  );
}
