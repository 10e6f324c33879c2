import type { ComponentChildren } from "preact";
import type { Device, Position } from "../contract";
import { numberText } from "../text/instants";
import { words } from "../text/language";
import { Age, Instant } from "./Instants";

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function InstantFact({ name, at }: { name: string; at: string | null }) {
  return (
    <Fact name={name}>
      {at ? (
        <>
          <Age at={at} /> (<Instant at={at} />)
        </>
      ) : (
        words.unknown
      )}
    </Fact>
  );
}

/** "47,3215 N 5,0415 E": what a rescuer is told over the phone. */
export function placeText(position: Position): string {
  const degrees = (value: number, plus: string, minus: string) =>
    `${numberText(Math.abs(value), 4, words)}\u00a0${value < 0 ? minus : plus}`;
  return `${degrees(position.lat, "N", "S")} ${degrees(position.lon, "E", words.west)}`;
}

/** "à 6,5 m près" */
export function accuracyText(position: Position): string {
  if (position.accuracy_m === null) return words.accuracyUnknown;
  return words.accuracy(numberText(position.accuracy_m, position.accuracy_m < 10 ? 1 : 0, words));
}

export function PlaceFact({ position }: { position: Position | null }) {
  return (
    <Fact name={words.place}>
      {position ? `${placeText(position)}, ${accuracyText(position)}` : words.noPosition}
    </Fact>
  );
}

/** The state of the watch; unknown is said, never shown as 0. */
export function DeviceFacts({ device }: { device: Device }) {
  return (
    <>
      <InstantFact name={words.lastHeard} at={device.last_heard_at} />
      <Fact name={words.battery}>{batteryText(device)}</Fact>
      <Fact name={words.speed}>{speedText(device)}</Fact>
    </>
  );
}

export function batteryText(device: Device): string {
  return device.battery_pct === null ? words.unknown : `${numberText(device.battery_pct, 0, words)} %`;
}

export function speedText(device: Device): string {
  return device.speed_mps === null ? words.unknown : `${numberText(device.speed_mps * 3.6, 1, words)} km/h`;
}
