import type { Alert, Device } from "../contract";
import { gravestByDevice, isBare, lookOf } from "../rules/marker";
import { countLevels, unprotected } from "../rules/protection";
import { mapMissing, openSubject, reportOpen, view } from "../screen";
import { connection, devices, heardAtMs, informed, queue, serverNowMs } from "../store";
import { clockText } from "../text/instants";
import { words } from "../text/language";
import { LEVEL_MARKS, reasonsText } from "../text/protection_words";
import { Age, Instant } from "./Instants";
import { Shape } from "./Shape";

/** When nobody is protected the table has them all; nobody reads three hundred lines here. */
const MOST_ROWS = 30;
const LEVELS = ["protected", "degraded", "not_protected"] as const;

/** Always in sight: how many are protected how well, and who is not, why, since when. */
export function ProtectionPanel() {
  const counts = countLevels(devices.value.values());
  const lost = connection.value === "lost";
  return (
    <section class={lost ? "protection stale" : "protection"} id="protection" aria-labelledby="protection-title">
      <div class="protection-head">
        <h2 id="protection-title" tabIndex={-1}>
          {words.protection}
        </h2>
        <button type="button" data-action="shift-report" onClick={() => (reportOpen.value = true)}>
          {words.report}
        </button>
      </div>
      <p class="levels" role="status">
        {LEVELS.map((level) => (
          <span key={level} class={counts[level] > 0 ? "level-count some" : "level-count"} data-level={level}>
            <b data-count={level}>
              <span aria-hidden="true">{LEVEL_MARKS[level]}</span> {counts[level]}
            </b>{" "}
            {words.levelCount[level](counts[level])}{" "}
          </span>
        ))}
      </p>
      {lost && <p class="stale-note">{words.lastKnown(clockText(heardAtMs.value + (serverNowMs() - Date.now()), words))}</p>}
      {informed.value && <Unprotected onDuty={counts.protected + counts.degraded + counts.not_protected} />}
    </section>
  );
}

function Unprotected({ onDuty }: { onDuty: number }) {
  const found = unprotected(devices.value.values(), words.locale);
  if (found.length === 0) return <p class="quiet">{onDuty > 0 ? words.everybodyProtected : words.nobodyOnDuty}</p>;
  const gravest = gravestByDevice(queue.value);
  const hidden = found.length - MOST_ROWS;
  return (
    <ul class="unprotected">
      {found.slice(0, MOST_ROWS).map((device) => (
        <Row key={device.id} device={device} alert={gravest.get(device.id)} />
      ))}
      {hidden > 0 && (
        <li>
          <button type="button" disabled={mapMissing.value} onClick={() => (view.value = "table")}>
            {words.othersInTable(hidden)}
          </button>
        </li>
      )}
    </ul>
  );
}

function Row({ device, alert }: { device: Device; alert: Alert | undefined }) {
  const { reasons, since } = device.protection;
  return (
    <li data-unprotected-id={device.id}>
      <button type="button" class="row-open" onClick={() => openSubject(device.id)}>
        <Shape look={lookOf(device, alert)} tag={device.tag} done={alert?.state === "acknowledged"} bare={isBare(device)} />
        <span class="unprotected-text">
          <span class="unprotected-who">
            <b>{device.label}</b> {since && <Age at={since} />}
          </span>{" "}
          <span>
            {reasonsText(reasons, words)}{" "}
            {since && (
              <span class="since">
                {words.since} <Instant at={since} />
              </span>
            )}
          </span>
        </span>
      </button>
    </li>
  );
}
