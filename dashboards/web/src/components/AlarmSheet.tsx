import { useEffect, useRef } from "preact/hooks";
import type { Alert } from "../contract";
import { isLate } from "../rules/lateness";
import { cameraWish, closeSheet, openCard } from "../screen";
import { deviceOf } from "../store";
import { episodeLabel, headline, remarks } from "../text/alert_words";
import { spanText } from "../text/instants";
import { words } from "../text/language";
import { AcknowledgeButton } from "./AcknowledgeButton";
import { DeviceFacts, Fact, InstantFact, PlaceFact } from "./Facts";
import { FollowUp } from "./FollowUp";
import { Incident } from "./Incident";
import { News } from "./News";
import { NextStep } from "./NextStep";
import { Notifications } from "./Notifications";
import { ProtectionFacts } from "./ProtectionFacts";
import { WatchMessages } from "./WatchMessages";

export function AlarmSheet({ alert }: { alert: Alert }) {
  const device = deviceOf(alert);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
    cameraWish.value = { to: "alert", id: alert.id };
  }, [alert.id]);
  const position = device?.position ?? alert.position;
  return (
    <aside
      class="sheet"
      id="alarm-sheet"
      aria-label={words.sheet}
      data-sheet-id={alert.id}
      data-state={alert.state}
      data-kind={alert.kind}
    >
      <div class="sheet-head">
        <h2 tabIndex={-1} ref={heading}>
          {headline(alert, words)} <span class="ref">{alert.ref}</span>
        </h2>
        <button type="button" data-action="close-sheet" onClick={closeSheet}>
          {words.close} <kbd>Esc</kbd>
        </button>
      </div>
      <p class="sheet-agent">{alert.agent}</p>
      {alert.mission && <p class="sheet-mission">{alert.mission}</p>}
      {alert.kind === "duress" && (
        <p class="reading discreet">
          <b>{words.discreet}</b> {words.notEchoed}
        </p>
      )}
      {remarks(alert, words).map((remark) => (
        <p class="reading" key={remark}>
          {remark}
        </p>
      ))}
      <News history={alert.history} />
      <Incident alert={alert} />
      <AcknowledgeButton alert={alert} />
      <NextStep alert={alert} />
      <dl>
        <InstantFact name={episodeLabel(alert, words)} at={alert.episode_at} />
        {alert.kind === "stillness" && <InstantFact name={words.deadline} at={alert.triggered_at} />}
        <InstantFact name={words.raised} at={alert.raised_at} />
        {isLate(alert) && (
          <Fact name={words.reception}>{words.lateBy(spanText(alert.received_late_s ?? 0, words))}</Fact>
        )}
        {alert.acknowledged_at && <InstantFact name={words.acknowledgedAt} at={alert.acknowledged_at} />}
        {device && <ProtectionFacts device={device} />}
        {device && <DeviceFacts device={device} />}
        {alert.device_id !== null && <PlaceFact position={position} />}
        {position && <InstantFact name={words.fixedAt} at={position.fixed_at} />}
      </dl>
      <div class="sheet-buttons">
        {position && (
          <button type="button" data-action="centre" onClick={() => (cameraWish.value = { to: "alert", id: alert.id })}>
            {words.centre} <kbd>C</kbd>
          </button>
        )}
        {device && (
          <button type="button" data-action="open-card" onClick={() => openCard(device.id)}>
            {words.deviceCard}
          </button>
        )}
      </div>
      <FollowUp alert={alert} />
      {device && <WatchMessages device={device} />}
      <Notifications alert={alert} />
    </aside>
  );
}
