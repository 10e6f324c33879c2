import { useEffect, useRef, useState } from "preact/hooks";
import { heldOrder } from "../rules/queue";
import { alerts, connection, engineOk, informed, notHeardSince, queue } from "../store";
import { words } from "../text/language";
import { AlarmRow } from "./AlarmRow";
import { Undelivered } from "./Undelivered";

/** The order is free to change again this long after the pointer last moved over the queue. */
const HOLD_MS = 5_000;

export function AlarmQueue() {
  const { shown, added, handlers } = useHeldOrder();
  return (
    <section class="queue" aria-label={words.queue}>
      <h1>
        {words.queue}
        {added > 0 && <span class="held">{words.queueHeld(added)}</span>}
      </h1>
      <Undelivered />
      {shown.length > 0 ? (
        <ol id="alarm-queue" {...handlers}>
          {shown.map((alert) => (
            <AlarmRow key={alert.id} alert={alert} />
          ))}
        </ol>
      ) : (
        <Empty />
      )}
    </section>
  );
}

/** An empty queue is good news only while the server says so. */
function Empty() {
  const believable = connection.value === "live" && engineOk.value && notHeardSince.value === null;
  const title = !informed.value ? words.queueWaiting : believable ? words.queueEmpty : words.queueEmptyThen;
  return (
    <div class="queue-empty">
      <strong>{title}</strong>
      {informed.value && believable && <span>{words.queueEmptyHint}</span>}
    </div>
  );
}

/** No row moves under the pointer; see heldOrder. */
function useHeldOrder() {
  const [held, setHeld] = useState<readonly number[] | null>(null);
  const release = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(release.current), []);

  const open = queue.value;
  const known = alerts.value;
  // A row closed meanwhile stays until the pointer has gone, or the ones below would jump up.
  const closedHere = (held ?? []).flatMap((id) => {
    const alert = known.get(id);
    return alert?.state === "closed" ? [alert] : [];
  });
  const shown = held ? heldOrder([...open, ...closedHere], held) : open;
  const added = held ? shown.length - held.length : 0;

  const hold = () => {
    if (held === null) setHeld(shown.map((alert) => alert.id));
    clearTimeout(release.current);
    release.current = setTimeout(() => setHeld(null), HOLD_MS);
  };
  const letGo = () => {
    clearTimeout(release.current);
    setHeld(null);
  };
  return { shown, added, handlers: { onPointerEnter: hold, onPointerMove: hold, onPointerLeave: letGo } };
}
