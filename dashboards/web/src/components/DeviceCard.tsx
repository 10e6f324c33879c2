import type { Device } from "../contract";
import { gravestByDevice, isBare, lookOf } from "../rules/marker";
import { cameraWish, closeSheet } from "../screen";
import { queue } from "../store";
import { words } from "../text/language";
import { DeviceFacts, Fact, InstantFact, PlaceFact } from "./Facts";
import { Instant } from "./Instants";
import { stateWord } from "./Legend";
import { ProtectionFacts } from "./ProtectionFacts";
import { Shape } from "./Shape";
import { WatchMessages } from "./WatchMessages";
import { ShiftButtons } from "./ShiftButtons";

/** An agent chosen on the map or in the table, or from the sheet of an alarm. */
export function DeviceCard({ device }: { device: Device }) {
  const alert = gravestByDevice(queue.value).get(device.id);
  const look = lookOf(device, alert);
  return (
    <aside class="card" data-card-device-id={device.id} aria-label={device.label}>
      <div class="card-head">
        <Shape
          look={look}
          tag={device.tag}
          van={device.kind === "van"}
          done={alert?.state === "acknowledged"}
          bare={isBare(device)}
        />
        <h2>{device.label}</h2>
        <button type="button" aria-label={words.close} data-action="close-card" onClick={closeSheet}>
          ✕
        </button>
      </div>
      <dl>
        <Fact name={words.stateColumn}>{stateWord(look, alert, words)}</Fact>
        <ProtectionFacts device={device} />
        {device.mission && <Fact name={words.mission}>{device.mission}</Fact>}
        <InstantFact name={words.lastEvidence} at={device.last_evidence_at} />
        {device.stillness_due_at && !device.paused_at && (
          <Fact name={words.dueAt}>
            <Instant at={device.stillness_due_at} />
          </Fact>
        )}
        {device.paused_at && <InstantFact name={words.pausedSince} at={device.paused_at} />}
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
