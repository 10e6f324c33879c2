import { useEffect, useRef, useState } from "preact/hooks";
import type { NewShift, ShiftChoices } from "../contract";
import { nextInstant } from "../rules/next_instant";
import { newShiftOpen } from "../screen";
import { askChoices, startShift } from "../shifts";
import { serverNowMs } from "../store";
import { words } from "../text/language";
import { Refused } from "./Refused";

/** A native modal dialog: who, with which watch, for what, until when. */
export function NewShiftDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = newShiftOpen.value;
  useEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal();
    if (!open) dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="new-shift-title" onClose={() => (newShiftOpen.value = false)}>
      <h2 id="new-shift-title">{words.newShift}</h2>
      {open && <NewShiftForm />}
    </dialog>
  );
}

function NewShiftForm() {
  const [choices, setChoices] = useState<ShiftChoices | null>(null);
  const [lines, setLines] = useState<string[]>([]);
  const [agentId, setAgentId] = useState("");
  const [deviceId, setDeviceId] = useState("");
  const [sending, setSending] = useState(false);
  useEffect(() => {
    void askChoices().then((answer) => (answer.ok ? setChoices(answer.value) : setLines(answer.lines)));
  }, []);

  function chooseAgent(id: string): void {
    setAgentId(id);
    const own = choices?.agents.find((agent) => String(agent.id) === id)?.device_id;
    const free = choices?.watches.some((watch) => watch.id === own);
    setDeviceId(own != null && free ? String(own) : "");
  }

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const typed = new FormData(event.currentTarget as HTMLFormElement);
    setSending(true);
    const answer = await startShift(asked(typed));
    setSending(false);
    if (!answer.ok) setLines(answer.lines);
    else if (!answer.value.reachable) setLines([words.shiftBegun, words.nobodyReachable]);
    else newShiftOpen.value = false;
  }

  return (
    <form class="new-shift" onSubmit={(event) => void submit(event)}>
      <label>
        {words.agent}
        <select name="agent" required value={agentId} onChange={(event) => chooseAgent(event.currentTarget.value)}>
          <option value="" />
          {choices?.agents.map((agent) => (
            <option key={agent.id} value={agent.id}>
              {agent.name}
            </option>
          ))}
        </select>
      </label>
      <label>
        {words.watch}
        <select name="device" required value={deviceId} onChange={(event) => setDeviceId(event.currentTarget.value)}>
          <option value="" />
          {choices?.watches.map((watch) => (
            <option key={watch.id} value={watch.id}>
              {watch.label}
            </option>
          ))}
        </select>
      </label>
      <label>
        {words.mission}
        <input name="mission" maxLength={200} autocomplete="off" />
      </label>
      {choices !== null && choices.profiles.length > 0 && (
        <label>
          {words.profile}
          <select name="profile">
            <option value="">{words.usualProfile}</option>
            {choices.profiles.map((profile) => (
              <option key={profile} value={profile}>
                {words.profileNames[profile] ?? profile}
              </option>
            ))}
          </select>
        </label>
      )}
      <label>
        {words.plannedEnd}
        <input name="until" type="time" />
      </label>
      <p class="hint">{words.plannedEndHint}</p>
      {lines.length > 0 && <Refused lines={lines} />}
      <div class="shift-buttons">
        <button type="submit" class="big" data-action="start-shift" disabled={sending || choices === null}>
          {words.startShift}
        </button>
        <button type="button" class="big" data-action="close-new-shift" onClick={() => (newShiftOpen.value = false)}>
          {words.close}
        </button>
      </div>
    </form>
  );
}

function asked(typed: FormData): NewShift {
  const text = (name: string) => String(typed.get(name) ?? "").trim() || null;
  const until = text("until");
  const endMs = until === null ? null : nextInstant(until, serverNowMs());
  return {
    agent_id: Number(typed.get("agent")),
    device_id: Number(typed.get("device")),
    mission: text("mission"),
    profile: text("profile"),
    planned_end_at: endMs === null ? null : new Date(endMs).toISOString(),
  };
}
