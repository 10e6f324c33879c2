import type { Map as MapLibre } from "maplibre-gl";
import { addLayer, type Remove } from "../layer";
import { markerLayer } from "../marker_layer";
import type { Palette } from "../palette";

/** Alarms: larger, above everything, at every zoom. */
export function addAlarmMarkers(map: MapLibre, palette: Palette): Remove {
  return addLayer(map, markerLayer("alarm-marker", ["!=", ["get", "alarm"], ""], true, palette));
}
