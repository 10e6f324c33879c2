import { useEffect, useRef } from "preact/hooks";
import type { ShiftProtection } from "../contract";
import { reportOpen } from "../screen";
import { loadReport, report } from "../shift_report";
import { numberText } from "../text/instants";
import { words } from "../text/language";
import { LEVEL_MARKS, reasonsText } from "../text/protection_words";
import { Instant } from "./Instants";

/** Minutes without protection, shift by shift, with the reasons. */
export function ShiftReport() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = reportOpen.value;
  useEffect(() => {
    if (open && !dialog.current?.open) {
      dialog.current?.showModal();
      void loadReport();
    }
    if (!open) dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} class="report" id="shift-report" aria-labelledby="report-title" onClose={() => (reportOpen.value = false)}>
      <h2 id="report-title">{words.reportTitle}</h2>
      <Body />
      <button type="button" class="big" onClick={() => (reportOpen.value = false)}>
        {words.close}
      </button>
    </dialog>
  );
}

function Body() {
  const found = report.value;
  if (found.state === "loading") return <p role="status">{words.reportLoading}</p>;
  if (found.state === "failed") return <p role="alert">{words.reportFailed}</p>;
  if (found.shifts.length === 0) return <p>{words.reportEmpty}</p>;
  const worstFirst = [...found.shifts].sort((a, b) => b.not_protected_s - a.not_protected_s);
  return (
    <div class="report-scroll" tabIndex={0} role="region" aria-labelledby="report-title">
      <table>
        <thead>
          <tr>
            <th scope="col">{words.agent}</th>
            <th scope="col">{words.shift}</th>
            <th scope="col">{words.minutesWithout}</th>
            <th scope="col">{words.minutesDegraded}</th>
          </tr>
        </thead>
        <tbody>
          {worstFirst.map((shift) => (
            <Row key={shift.id} shift={shift} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ shift }: { shift: ShiftProtection }) {
  return (
    <tr data-shift-id={shift.id}>
      <th scope="row">
        {shift.agent}
        <small>{shift.mission}</small>
      </th>
      <td>
        <Instant at={shift.started_at} /> – {shift.ended_at ? <Instant at={shift.ended_at} /> : words.running}
        <Spans shift={shift} />
      </td>
      <td class="number">{minutesText(shift.not_protected_s)}</td>
      <td class="number">{minutesText(shift.degraded_s)}</td>
    </tr>
  );
}

function Spans({ shift }: { shift: ShiftProtection }) {
  if (shift.spans.length === 0) return null;
  return (
    <details>
      <summary>{words.periods(shift.spans.length)}</summary>
      <ul>
        {shift.spans.map(({ from, until, level, reasons }) => (
          <li key={`${from} ${level} ${reasons.join()}`}>
            <span aria-hidden="true">{LEVEL_MARKS[level]}</span> <Instant at={from} /> – <Instant at={until} />{" "}
            {words.level[level]}, {reasonsText(reasons, words)}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** "4,5 min": half a minute without protection is not none. */
function minutesText(span_s: number): string {
  return `${numberText(span_s / 60, span_s > 0 && span_s < 600 ? 1 : 0, words)}\u00a0min`;
}
