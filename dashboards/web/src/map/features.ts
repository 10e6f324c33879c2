import type { Feature, Point } from "geojson";
import type { Alert, Device } from "../contract";
import { isBare, LOOKS, lookOf, solidity, type Look } from "../rules/marker";
import { fillOf, type Fill } from "../shapes";
import { headline } from "../text/alert_words";
import type { Words } from "../text/fr";

/** What the map is told about one device. Names stay plain text: MapLibre draws them letter by letter. */
export interface DeviceProperties {
  icon: string;
  look: Look;
  fill: Fill;
  tag: string;
  name: string;
  caption: string;
  /** Of somebody who may be in danger; where a protection alone is broken the marker is one of many. */
  alarm: "" | "prealarm" | "triggered" | "acknowledged";
  rank: number;
  solid: number;
}

export function iconName(look: Look, van: boolean, fill: Fill): string {
  return `${look}${van ? "/van" : ""}/${fill}`;
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
  const bare = isBare(device);
  const done = alert?.state === "acknowledged";
  const fill = fillOf(look, { done, bare });
  const alarm = stage(device, look, alert);
  return {
    type: "Feature",
    id: device.id,
    geometry: { type: "Point", coordinates: [position.lon, position.lat] },
    properties: {
      icon: iconName(look, device.kind === "van", fill),
      look,
      fill,
      tag: device.tag,
      name: device.label,
      caption: caption(device, look, alert, words),
      alarm,
      // Nobody in charge is drawn above everything, as in the queue.
      rank: LOOKS.indexOf(look) + (alarm === "triggered" ? LOOKS.length : 0),
      solid: solidity(Date.parse(position.fixed_at), nowMs, look, bare),
    },
  };
}

function stage(device: Device, look: Look, alert: Alert | undefined): DeviceProperties["alarm"] {
  if (look === "prealarm") return "prealarm";
  if (alert?.vital) return alert.state === "acknowledged" ? "acknowledged" : "triggered";
  return device.state === "alarm" ? "triggered" : "";
}

function caption(device: Device, look: Look, alert: Alert | undefined, words: Words): string {
  if (look === "prealarm") return `${device.label}\n${words.state.prealarm}`;
  return alert ? `${device.label}\n${headline(alert, words)}` : device.label;
}
