import { effect } from "@preact/signals";
import type { Map as MapLibre } from "maplibre-gl";
import { addLayer, type Remove } from "../layer";
import { markerLayer } from "../marker_layer";
import type { Palette } from "../palette";
import { crowded, DOTS_BELOW_ZOOM, ORDINARY } from "./device_dot";

/** Agents without an alarm. In a crowd the ordinary ones wait until they are near enough to be told apart. */
export function addDeviceMarkers(map: MapLibre, palette: Palette): Remove {
  const removes = [
    addLayer(map, markerLayer("device-marker", ["all", ["==", ["get", "alarm"], ""], ORDINARY], false, palette)),
    addLayer(map, markerLayer("device-marker-worry", ["all", ["==", ["get", "alarm"], ""], ["!", ORDINARY]], false, palette)),
  ];
  const stop = effect(() => {
    map.setLayerZoomRange("device-marker", crowded.value ? DOTS_BELOW_ZOOM : 0, 24);
  });
  return () => {
    stop();
    for (const remove of removes) remove();
  };
}
