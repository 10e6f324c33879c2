import { computed } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Alert } from "../contract";
import { markRendered } from "../presented";
import { undeliveredOf } from "../rules/delivery";
import { isLate } from "../rules/lateness";
import { lookOfAlert } from "../rules/marker";
import { cursorId, openAlertId, openSheet } from "../screen";
import { deviceOf, nowMs } from "../store";
import { episodeLabel, headline } from "../text/alert_words";
import { shortTimeText, spanText } from "../text/instants";
import { words } from "../text/language";
import { AcknowledgeButton } from "./AcknowledgeButton";
import { Age, Instant } from "./Instants";
import { NextStep } from "./NextStep";
import { Shape } from "./Shape";

export function AlarmRow({ alert }: { alert: Alert }) {
  const device = deviceOf(alert);
  const undelivered = useMemo(() => computed(() => undeliveredOf(alert, nowMs.value)), [alert]).value;
  const unanswered = alert.state === "triggered" && alert.history.some((news) => news.kind === "steps_exhausted");
  const moved = alert.history.find((news) => news.kind === "moved_in_alarm");
  useEffect(() => markRendered(alert.id), [alert.id]);
  const current = cursorId.value === alert.id || openAlertId.value === alert.id;
  return (
    <li
      class={current ? "alarm current" : "alarm"}
      data-alert-id={alert.id}
      data-state={alert.state}
      data-kind={alert.kind}
    >
      <button
        type="button"
        class="alarm-open"
        data-action="open"
        aria-expanded={openAlertId.value === alert.id}
        onFocus={() => (cursorId.value = alert.id)}
        onClick={() => openSheet(alert.id)}
      >
        <Shape
          look={lookOfAlert(alert)}
          tag={device?.tag}
          done={alert.state !== "triggered"}
        />
        <span class="alarm-text">
          <span class="alarm-head">
            <b>{headline(alert, words)}</b>
            <Age at={alert.episode_at} />
          </span>
          <span class="alarm-agent">
            {alert.agent} <span class="ref">{alert.ref}</span>
          </span>
          {alert.mission && <span class="alarm-mission">{alert.mission}</span>}
          <span class="alarm-since">
            {episodeLabel(alert, words)} <Instant at={alert.episode_at} />
          </span>
          {alert.kind === "duress" && <b>{words.discreet}</b>}
          {moved && <span class="late">{words.movedSince(shortTimeText(Date.parse(moved.first_at), words))}</span>}
          {unanswered && <span class="unanswered">{words.news.steps_exhausted}</span>}
          {undelivered > 0 && <span class="unanswered">{words.undelivered(undelivered)}</span>}
          <NextStep alert={alert} />
          {isLate(alert) && (
            <span class="late">{words.late(spanText(alert.received_late_s ?? 0, words))}</span>
          )}
        </span>
      </button>
      <AcknowledgeButton alert={alert} />
    </li>
  );
}
