import { effect } from "@preact/signals";
import type { Feature, Point } from "geojson";
import type { GeoJSONFeatureDiff, GeoJSONSource, GeoJSONSourceDiff, Map as MapLibre } from "maplibre-gl";
import type { Alert, Device } from "../contract";
import { gravestByDevice } from "../rules/marker";
import { alerts, devices, serverNowMs } from "../store";
import { words } from "../text/language";
import { featureOf, type DeviceProperties } from "./features";
import type { Remove } from "./layer";

export const DEVICES = "devices";

/** At most four diffs a second reach the map, however many reports come in. */
const PAUSE_MS = 250;
/** Markers fade with age although nothing arrives; this often is soon enough to be seen. */
const FADE_MS = 10_000;

interface Drawn {
  device: Device;
  alert: Alert | undefined;
  feature: Feature<Point, DeviceProperties>;
  text: string;
}

/** One source for all devices, changed by small diffs. Everything that draws devices reads it. */
export function addDeviceSource(map: MapLibre, box: HTMLElement): Remove {
  map.addSource(DEVICES, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  let drawn: ReadonlyMap<number, Drawn> = new Map();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let refreshAll = false;

  const draw = () => {
    timer = undefined;
    const next = new Map<number, Drawn>();
    const gravest = gravestByDevice(alerts.peek().values());
    for (const device of devices.peek().values()) {
      const alert = gravest.get(device.id);
      const old = drawn.get(device.id);
      // The store replaces what changes, so the same object means the same marker, but for its age.
      const same = old && !refreshAll && old.device === device && old.alert === alert;
      const one = same ? old : drawing(device, alert);
      if (one) next.set(device.id, one);
    }
    refreshAll = false;
    const diff = difference(drawn, next);
    drawn = next;
    box.dataset["deviceCount"] = String(next.size);
    if (diff) void map.getSource<GeoJSONSource>(DEVICES)?.updateData(diff);
  };

  const stop = effect(() => {
    void devices.value;
    void alerts.value;
    timer ??= setTimeout(draw, PAUSE_MS);
  });
  const fading = setInterval(() => {
    refreshAll = true;
    timer ??= setTimeout(draw, PAUSE_MS);
  }, FADE_MS);
  return () => {
    stop();
    clearTimeout(timer);
    clearInterval(fading);
    map.removeSource(DEVICES);
  };
}

function drawing(device: Device, alert: Alert | undefined): Drawn | null {
  const feature = featureOf(device, alert, serverNowMs(), words);
  return feature && { device, alert, feature, text: JSON.stringify(feature) };
}

function difference(before: ReadonlyMap<number, Drawn>, after: ReadonlyMap<number, Drawn>): GeoJSONSourceDiff | null {
  const add: Drawn["feature"][] = [];
  const update: NonNullable<GeoJSONSourceDiff["update"]> = [];
  const remove: number[] = [];
  for (const [id, one] of after) {
    const old = before.get(id);
    if (!old) add.push(one.feature);
    else if (old !== one && old.text !== one.text) update.push(changed(id, one));
  }
  for (const id of before.keys()) if (!after.has(id)) remove.push(id);
  return add.length + update.length + remove.length > 0 ? { add, update, remove } : null;
}

function changed(id: number, { feature }: Drawn): GeoJSONFeatureDiff {
  const properties = Object.entries(feature.properties).map(([key, value]) => ({ key, value }));
  return { id, newGeometry: feature.geometry, addOrUpdateProperties: properties };
}
