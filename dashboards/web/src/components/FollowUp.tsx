import { useState } from "preact/hooks";
import { writeNote } from "../alert_actions";
import type { Alert, AlertNote } from "../contract";
import { words } from "../text/language";
import { CloseForm } from "./CloseForm";
import { Instant } from "./Instants";
import { Refused } from "./Refused";

const TEXT_MAX = 2_000; // as dashboards/alert_routes.py

/** What is learnt of an alert, and its end. */
export function FollowUp({ alert }: { alert: Alert }) {
  return (
    <section class="follow-up" aria-label={words.followUp}>
      <h3>{words.followUp}</h3>
      <ul>
        {alert.notes.map((note) => (
          <NoteRow key={`${note.at} ${note.text}`} note={note} />
        ))}
      </ul>
      {alert.state !== "closed" && (
        <>
          <NoteForm alert={alert} />
          <CloseForm alert={alert} />
        </>
      )}
      {alert.state === "closed" && (
        <p class="outcome">
          {alert.cause && words.closedAs(words.cause[alert.cause])}
          {alert.reached && ` ${words.wasReached}`}
          {alert.outcome && ` ${alert.outcome}`}
        </p>
      )}
    </section>
  );
}

function NoteRow({ note }: { note: AlertNote }) {
  return (
    <li>
      <Instant at={note.at} /> {note.by && <b>{note.by}</b>} {note.text}
    </li>
  );
}

function NoteForm({ alert }: { alert: Alert }) {
  const [text, setText] = useState("");
  const [sending, setSending] = useState(false);
  const [failed, setFailed] = useState<string[]>([]);

  async function send(): Promise<void> {
    if (sending) return;
    setSending(true);
    const lines = await writeNote(alert.id, text);
    setSending(false);
    setFailed(lines);
    if (lines.length === 0) setText("");
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <label for="alert-note">{words.note}</label>
      <div class="one-line">
        <input
          id="alert-note"
          type="text"
          maxLength={TEXT_MAX}
          required
          autocomplete="off"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" data-action="note" aria-disabled={sending}>
          {words.writeDown}
        </button>
      </div>
      {failed.length > 0 && <Refused lines={failed} />}
    </form>
  );
}
