import { signal } from "@preact/signals";
import type { Alert, Device } from "../contract";
import { gravestByDevice, isBare, isPersonal, lookOf } from "../rules/marker";
import { matches, tableOrder } from "../rules/table_order";
import { mapMissing, openSubject } from "../screen";
import { alerts, devices } from "../store";
import { words } from "../text/language";
import { accuracyText, batteryText, placeText, speedText } from "./Facts";
import { Age } from "./Instants";
import { stateWord } from "./Legend";
import { LevelText } from "./ProtectionFacts";
import { Shape } from "./Shape";

/** More rows than this are found by filtering; a browser draws them slowly and nobody reads them. */
const MOST_ROWS = 200;
const wanted = signal("");

/** The same live facts as the map, for the keyboard, for screen readers and for machines without WebGL. */
export function DeviceTable() {
  const gravest = gravestByDevice(alerts.value.values());
  const found = tableOrder(devices.value.values(), gravest, words.locale).filter((one) => matches(one, wanted.value));
  const shown = found.slice(0, MOST_ROWS);
  return (
    <div class="table-pane">
      {mapMissing.value && (
        <p class="map-missing" role="status">
          {words.mapMissing}
        </p>
      )}
      <div class="table-tools">
        <input
          type="search"
          aria-label={words.filter}
          placeholder={words.filter}
          value={wanted.value}
          onInput={(event) => (wanted.value = event.currentTarget.value)}
        />
        <span>{words.shownOf(shown.length, devices.value.size)}</span>
      </div>
      <div class="table-scroll" tabIndex={0} role="region" aria-label={words.table}>
        <table id="device-table">
          <thead>
            <tr>
              <th scope="col">{words.agent}</th>
              <th scope="col">{words.stateColumn}</th>
              <th scope="col">{words.protection}</th>
              <th scope="col">{words.mission}</th>
              <th scope="col">{words.lastEvidence}</th>
              <th scope="col">{words.lastHeard}</th>
              <th scope="col">{words.battery}</th>
              <th scope="col">{words.place}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((device) => (
              <Row key={device.id} device={device} alert={gravest.get(device.id)} />
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Row({ device, alert }: { device: Device; alert: Alert | undefined }) {
  const look = lookOf(device, alert);
  const inAlarm = device.state === "alarm" || (alert !== undefined && isPersonal(alert));
  const tone = inAlarm ? "in-alarm" : device.prealarm ? "in-prealarm" : "";
  return (
    <tr data-device-id={device.id} data-state={inAlarm ? "alarm" : device.state} class={tone}>
      <th scope="row">
        <button type="button" class="row-open" onClick={() => openSubject(device.id)}>
          <Shape look={look} tag={device.tag} van={device.kind === "van"} done={alert?.state === "acknowledged"} bare={isBare(device)} />
          <span>{device.label}</span>
        </button>
      </th>
      <td>
        {stateWord(look, alert, words)}
        {device.prealarm && !inAlarm && (
          <small>
            <Age at={device.prealarm.since} />
          </small>
        )}
        {device.speed_mps !== null && <small>{speedText(device)}</small>}
      </td>
      <td data-label={words.protection}>{device.on_shift && <LevelText protection={device.protection} />}</td>
      <td>{device.mission ?? ""}</td>
      <td data-label={words.lastEvidence}>{device.last_evidence_at ? <Age at={device.last_evidence_at} /> : words.unknown}</td>
      <td data-label={words.lastHeard}>{device.last_heard_at ? <Age at={device.last_heard_at} /> : words.unknown}</td>
      <td class="number" data-label={words.battery}>{batteryText(device)}</td>
      <td>
        {device.position ? placeText(device.position) : words.noPosition}
        {device.position && <small>{accuracyText(device.position)}</small>}
      </td>
    </tr>
  );
}
