import { effect } from "@preact/signals";
import type { FeatureCollection } from "geojson";
import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { circleOf } from "../../rules/circle";
import { deviceOf, queue } from "../../store";
import { addWithSource, type Remove } from "../layer";
import type { Palette } from "../palette";

/** How far from the marker the agent may really be; always drawn for an alarm. */
export function addAlarmAccuracy(map: MapLibre, palette: Palette): Remove {
  const source = "alarm-accuracy";
  const remove = addWithSource(map, source, { type: "geojson", data: circles() }, [
    {
      id: "alarm-accuracy-fill",
      type: "fill",
      source,
      paint: { "fill-color": palette.alarm, "fill-opacity": 0.14 },
    },
    {
      id: "alarm-accuracy-line",
      type: "line",
      source,
      paint: { "line-color": palette.alarm, "line-width": 1.5, "line-dasharray": [3, 2] },
    },
  ]);
  let drawn = "";
  const stop = effect(() => {
    const next = circles();
    const text = JSON.stringify(next);
    // Devices change four times a second; the circles of open alarms hardly ever do.
    if (text !== drawn) void map.getSource<GeoJSONSource>(source)?.setData(next);
    drawn = text;
  });
  return () => {
    stop();
    remove();
  };
}

function circles(): FeatureCollection {
  const features: FeatureCollection["features"] = [];
  for (const alert of queue.value) {
    const position = deviceOf(alert)?.position ?? alert.position;
    if (alert.vital && position) features.push({ type: "Feature", id: alert.id, properties: {}, geometry: circleOf(position) });
  }
  return { type: "FeatureCollection", features };
}
