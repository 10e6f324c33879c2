import { openSubject } from "../screen";
import { devices } from "../store";
import { words } from "../text/language";
import { markRead, unreadReplies } from "../watch_commands";
import { Instant } from "./Instants";

/** What wearers have answered while nobody was looking at them; it stays until somebody has. */
export function Replies() {
  const replies = unreadReplies.value;
  if (replies.length === 0) return null;
  return (
    <ul class="replies" aria-label={words.replies}>
      {replies.map((one) => (
        <li key={one.id} data-reply-id={one.id}>
          <span>
            <b>{devices.value.get(one.device_id)?.label ?? words.watch}</b> : <b>{one.answer}</b>
            <small>
              «{"\u00a0"}
              {one.text}
              {"\u00a0"}» {one.answered_at && <Instant at={one.answered_at} />}
            </small>
          </span>
          <button type="button" data-action="open-reply" onClick={() => openSubject(one.device_id)}>
            {words.open}
          </button>
          <button type="button" aria-label={words.close} onClick={() => markRead(one.id)}>
            ✕
          </button>
        </li>
      ))}
    </ul>
  );
}
