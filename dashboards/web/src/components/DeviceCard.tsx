import type { Device } from "../contract";
import { lookOf } from "../rules/marker";
import { cameraWish, closeSheet } from "../screen";
import { words } from "../text/language";
import { DeviceFacts, Fact, InstantFact, PlaceFact } from "./Facts";
import { Instant } from "./Instants";
import { lookWord } from "./Legend";
import { Shape } from "./Shape";
import { WatchMessages } from "./WatchMessages";
import { ShiftButtons } from "./ShiftButtons";

/** An agent without an alarm, chosen on the map or in the table. */
export function DeviceCard({ device }: { device: Device }) {
  const look = lookOf(device, undefined);
  return (
    <aside class="card" data-card-device-id={device.id} aria-label={device.label}>
      <div class="card-head">
        <Shape look={look} tag={device.tag} van={device.kind === "van"} />
        <h2>{device.label}</h2>
        <button type="button" aria-label={words.close} data-action="close-card" onClick={closeSheet}>
          ✕
        </button>
      </div>
      <dl>
        <Fact name={words.stateColumn}>{lookWord(look, words)}</Fact>
        {device.mission && <Fact name={words.mission}>{device.mission}</Fact>}
        <InstantFact name={words.lastEvidence} at={device.last_evidence_at} />
        {device.stillness_due_at && !device.paused_at && (
          <Fact name={words.dueAt}>
            <Instant at={device.stillness_due_at} />
          </Fact>
        )}
        {device.paused_at && <InstantFact name={words.pausedSince} at={device.paused_at} />}
        {device.planned_end_at && (
          <Fact name={words.plannedEnd}>
            <Instant at={device.planned_end_at} />
          </Fact>
        )}
        <DeviceFacts device={device} />
        <PlaceFact position={device.position} />
      </dl>
      {device.shift_id !== null && (
        <ShiftButtons key={device.shift_id} shiftId={device.shift_id} paused={device.paused_at !== null} />
      )}
      {device.position && (
        <button type="button" onClick={() => (cameraWish.value = { to: "device", id: device.id })}>
          {words.centre} <kbd>C</kbd>
        </button>
      )}
      <WatchMessages key={device.id} device={device} />
    </aside>
  );
}
