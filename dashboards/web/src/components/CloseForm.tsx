import { useEffect, useRef, useState } from "preact/hooks";
import { closeAlert } from "../alert_actions";
import { CAUSES, type Alert, type Cause } from "../contract";
import { needsReached } from "../rules/queue";
import { words } from "../text/language";
import { Refused } from "./Refused";

const OUTCOME_MAX = 2_000; // as dashboards/alert_routes.py

/** No dialog over the page: the next alarm must stay in sight. Nothing is chosen before a person has chosen it. */
export function CloseForm({ alert }: { alert: Alert }) {
  const [open, setOpen] = useState(false);
  if (open) return <Questions alert={alert} leave={() => setOpen(false)} />;
  return (
    <button type="button" class="end-alert" data-action="end-alert" onClick={() => setOpen(true)}>
      {words.endAlert}
    </button>
  );
}

function Questions({ alert, leave }: { alert: Alert; leave: () => void }) {
  const [cause, setCause] = useState<Cause | null>(null);
  const [reached, setReached] = useState(false);
  const [outcome, setOutcome] = useState("");
  const [sending, setSending] = useState(false);
  const [failed, setFailed] = useState<string[]>([]);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.querySelector("input")?.focus();
    form.current?.scrollIntoView({ block: "nearest" });
  }, []);

  async function send(): Promise<void> {
    if (sending || cause === null) return;
    setSending(true);
    const lines = await closeAlert(alert.id, { cause, reached, outcome });
    setSending(false);
    setFailed(lines.length > 0 ? [words.notClosed, ...lines] : []);
  }

  return (
    <form
      ref={form}
      class="closing"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <fieldset>
        <legend>{words.itWas}</legend>
        {CAUSES.map((one) => (
          <label key={one} class="choice">
            <input type="radio" name="cause" value={one} required checked={cause === one} onChange={() => setCause(one)} />
            {words.cause[one]}
          </label>
        ))}
      </fieldset>
      {alert.device_id !== null && (
        <label class="choice">
          <input
            type="checkbox"
            name="reached"
            required={needsReached(alert)}
            checked={reached}
            onChange={(event) => setReached(event.currentTarget.checked)}
          />
          {words.reachedSure}
        </label>
      )}
      <label for="alert-outcome">{words.outcome}</label>
      <input
        id="alert-outcome"
        type="text"
        maxLength={OUTCOME_MAX}
        autocomplete="off"
        value={outcome}
        onInput={(event) => setOutcome(event.currentTarget.value)}
      />
      {failed.length > 0 && <Refused lines={failed} />}
      <div class="sheet-buttons">
        <button type="submit" class="end-alert" data-action="end-alert-now" aria-disabled={sending}>
          {sending ? words.acknowledging : words.endAlertNow}
        </button>
        <button type="button" data-action="keep-open" onClick={leave}>
          {words.keepOpen}
        </button>
      </div>
    </form>
  );
}
