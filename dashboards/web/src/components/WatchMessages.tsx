import { useRef, useState } from "preact/hooks";
import type { Command, CommandState, Device, Wish } from "../contract";
import { commandsOf, isDiscreet } from "../rules/commands";
import { alerts, commands } from "../store";
import { words } from "../text/language";
import { tell } from "../watch_commands";
import { Instant } from "./Instants";

const SHOWN = 6;
const TEXT_MAX = 160; // as lone_worker/commands/words.py
const MARKS: Record<CommandState, string> = {
  pending: "…",
  sending: "→",
  sent: "→",
  delivered: "✓",
  answered: "✓",
  expired: "✕",
  failed: "✕",
};

/** Write to a watch, ask where it is, and see whether it has reached its wearer. */
export function WatchMessages({ device }: { device: Device }) {
  if (device.kind !== "watch") return null;
  const told = commandsOf(device.id, commands.value.values(), SHOWN);
  const discreet = isDiscreet(device.id, alerts.value.values());
  return (
    <section class="watch" aria-label={words.watch}>
      <h3>{words.watch}</h3>
      {discreet && <b>{words.discreet}</b>}
      {device.hears_commands && <WriteForm device={device} discreet={discreet} />}
      {!device.hears_commands && !discreet && <p class="quiet">{words.hearsNothing}</p>}
      <ul>
        {told.map((one) => (
          <CommandRow key={one.id} command={one} />
        ))}
      </ul>
    </section>
  );
}

/** Where nothing may ring it only asks where the watch is: that makes no sound and no light. */
function WriteForm({ device, discreet }: { device: Device; discreet: boolean }) {
  const [text, setText] = useState("");
  const [answerable, setAnswerable] = useState(true);
  const [sending, setSending] = useState(false);
  const [failed, setFailed] = useState<string[]>([]);
  const form = useRef<HTMLFormElement>(null);

  async function send(wish: Wish): Promise<void> {
    if (sending) return;
    setSending(true);
    const lines = await tell(device.id, wish);
    setSending(false);
    setFailed(lines);
    if (lines.length > 0) return;
    if (wish.kind === "message") setText("");
    const told = form.current?.nextElementSibling;
    requestAnimationFrame(() => bringIntoView(told?.querySelector("li") ?? null));
  }

  return (
    <form
      ref={form}
      onSubmit={(event) => {
        event.preventDefault();
        void send({ kind: "message", text, replies: answerable ? [words.yes, words.no] : [] });
      }}
    >
      {!discreet && (
        <>
          <label for="watch-text">{words.write(device.label)}</label>
          <input
            id="watch-text"
            type="text"
            maxLength={TEXT_MAX}
            required
            autocomplete="off"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
          <label class="switch">
            <input type="checkbox" checked={answerable} onChange={(event) => setAnswerable(event.currentTarget.checked)} />
            {words.withAnswers}
          </label>
        </>
      )}
      <div class="watch-buttons">
        {!discreet && (
          <button type="submit" data-action="write" aria-disabled={sending}>
            {sending ? words.acknowledging : words.send}
          </button>
        )}
        <button type="button" data-action="locate" aria-disabled={sending} onClick={() => void send({ kind: "locate" })}>
          {words.locate}
        </button>
      </div>
      {failed.length > 0 && (
        <ul class="refusal" role="alert" ref={bringIntoView}>
          {failed.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
    </form>
  );
}

/** One function, not one a drawing: it is called when the lines appear, and never pulls the card back later. */
function bringIntoView(lines: HTMLElement | null): void {
  lines?.scrollIntoView({ block: "nearest" });
}

function CommandRow({ command }: { command: Command }) {
  const at = command.answered_at ?? command.delivered_at ?? command.sent_at ?? command.created_at;
  return (
    <li data-command-id={command.id} data-kind={command.kind} data-state={command.state}>
      <span class="mark" aria-hidden="true">
        {MARKS[command.state] ?? "?"}
      </span>
      <span>{command.kind === "message" ? `«\u00a0${command.text ?? ""}\u00a0»` : words.command[command.kind]}</span>
      <span class="command-state">
        {words.commandState(command)} <Instant at={at} />
      </span>
    </li>
  );
}
