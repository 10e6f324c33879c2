import type { Feature, Point } from "geojson";
import type { Alert, Device } from "../contract";
import { LOOKS, lookOf, solidity, type Look } from "../rules/marker";
import { headline } from "../text/alert_words";
import type { Words } from "../text/fr";

/** What the map is told about one device. Names stay plain text: MapLibre draws them letter by letter. */
export interface DeviceProperties {
  icon: string;
  look: Look;
  tag: string;
  name: string;
  caption: string;
  alarm: "" | "triggered" | "acknowledged";
  rank: number;
  solid: number;
}

export function iconName(look: Look, van: boolean, done: boolean): string {
  return `${look}${van ? "/van" : ""}${done ? "/done" : ""}`;
}

/** Null when nobody knows where the device is: it is then in the table only. */
export function featureOf(
  device: Device,
  alert: Alert | undefined,
  nowMs: number,
  words: Words,
): Feature<Point, DeviceProperties> | null {
  const position = device.position ?? alert?.position ?? null;
  if (!position) return null;
  const look = lookOf(device, alert);
  const done = alert?.state === "acknowledged";
  const alarm = look.startsWith("alarm");
  return {
    type: "Feature",
    id: device.id,
    geometry: { type: "Point", coordinates: [position.lon, position.lat] },
    properties: {
      icon: iconName(look, device.kind === "van", done),
      look,
      tag: device.tag,
      name: device.label,
      caption: alert ? `${device.label}\n${headline(alert, words)}` : device.label,
      alarm: !alarm ? "" : done ? "acknowledged" : "triggered",
      // Nobody in charge is drawn above everything, as in the queue.
      rank: LOOKS.indexOf(look) + (alarm && !done ? LOOKS.length : 0),
      solid: solidity(Date.parse(position.fixed_at), nowMs, look),
    },
  };
}
