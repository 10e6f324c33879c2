import { useEffect, useRef, useState } from "preact/hooks";
import type { DutyEntry, NewDuty, Rota } from "../contract";
import { addDuty, askRota, endDuty } from "../duty";
import type { Answer } from "../request";
import { parisInstant, parisLocal } from "../rules/paris";
import { dutyOpen } from "../screen";
import { serverNowMs } from "../store";
import { words } from "../text/language";
import { Planned } from "./Instants";
import { Refused } from "./Refused";

/** A native modal dialog: who is on call, and somebody else for a time. */
export function DutyDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = dutyOpen.value;
  useEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal();
    if (!open) dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} class="report duty" aria-labelledby="duty-title" onClose={() => (dutyOpen.value = false)}>
      <h2 id="duty-title">{words.dutyTitle}</h2>
      {open && <Body />}
      <button type="button" class="big" data-action="close-duty" onClick={() => (dutyOpen.value = false)}>
        {words.close}
      </button>
    </dialog>
  );
}

function Body() {
  const [rota, setRota] = useState<Rota | null>(null);
  const [lines, setLines] = useState<string[]>([]);
  const [sending, setSending] = useState(false);

  async function tell(answering: Promise<Answer<Rota>>): Promise<boolean> {
    setSending(true);
    const answer = await answering;
    setSending(false);
    setLines(answer.ok ? [] : answer.lines);
    if (answer.ok) setRota(answer.value);
    return answer.ok;
  }
  useEffect(() => void tell(askRota()), []);

  return (
    <>
      {rota && <Entries entries={rota.entries} sending={sending} end={(id) => void tell(endDuty(id))} />}
      {lines.length > 0 && <Refused lines={lines} />}
      {rota && <DutyForm rota={rota} sending={sending} refuse={setLines} add={(duty) => tell(addDuty(duty))} />}
    </>
  );
}

function Entries({ entries, sending, end }: { entries: DutyEntry[]; sending: boolean; end: (id: number) => void }) {
  if (entries.length === 0) return <p>{words.rotaEmpty}</p>;
  return (
    <>
      <ul class="entries" tabIndex={0} aria-label={words.onCall}>
        {entries.map((entry) => (
          <li key={entry.id} data-duty-id={entry.id}>
            <span>
              <b>{entry.contact}</b> {entry.role}
              <small>
                <Planned at={entry.from} /> – <Planned at={entry.until} />
              </small>
            </span>
            {entry.by_hand ? <EndButton sending={sending} end={() => end(entry.id)} /> : <small>{words.byCalendar}</small>}
          </li>
        ))}
      </ul>
      {entries.some((entry) => !entry.by_hand) && <p class="hint">{words.calendarHint}</p>}
    </>
  );
}

/** Two presses: it takes away who would be called. */
function EndButton({ sending, end }: { sending: boolean; end: () => void }) {
  const [sure, setSure] = useState(false);
  return (
    <button
      type="button"
      class={sure ? "sure" : ""}
      data-action="end-duty"
      disabled={sending}
      onBlur={() => setSure(false)}
      onClick={() => (sure ? end() : setSure(true))}
    >
      {sure ? words.endShiftSure : words.endShift}
    </button>
  );
}

interface FormProps {
  rota: Rota;
  sending: boolean;
  refuse: (lines: string[]) => void;
  add: (duty: NewDuty) => Promise<boolean>;
}

function DutyForm({ rota, sending, refuse, add }: FormProps) {
  const roles = rota.roles.filter((role) => role.called);
  const [from] = useState(() => parisLocal(serverNowMs()));

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const duty = asked(new FormData(form));
    if (duty === null) refuse([words.noSuchTime]);
    else if (await add(duty)) form.reset();
  }

  return (
    <form class="new-shift" onSubmit={(event) => void submit(event)}>
      <h3>{words.newDuty}</h3>
      <label>
        {words.role}
        <select name="role" required>
          {roles.map((role) => (
            <option key={role.name}>{role.name}</option>
          ))}
        </select>
      </label>
      <label>
        {words.contact}
        <select name="contact" required>
          <option value="" />
          {rota.contacts.map((contact) => (
            <option key={contact.id} value={contact.id}>
              {contact.name}
            </option>
          ))}
        </select>
      </label>
      <label>
        {words.dutyFrom}
        <input name="from" type="datetime-local" required defaultValue={from} />
      </label>
      <label>
        {words.dutyUntil}
        <input name="until" type="datetime-local" required />
      </label>
      <button type="submit" class="big" data-action="add-duty" disabled={sending}>
        {words.addDuty}
      </button>
    </form>
  );
}

function asked(typed: FormData): NewDuty | null {
  const fromMs = parisInstant(String(typed.get("from")));
  const untilMs = parisInstant(String(typed.get("until")));
  if (fromMs === null || untilMs === null) return null;
  return {
    role: String(typed.get("role")),
    contact_id: Number(typed.get("contact")),
    from: new Date(fromMs).toISOString(),
    until: new Date(untilMs).toISOString(),
  };
}
