import type { Map as MapLibre } from "maplibre-gl";
import { DEVICES } from "../device_source";
import { addLayer, type Remove } from "../layer";
import { PLAIN, type Palette } from "../palette";

/** Names of agents without an alarm, where there is room for them. */
export function addDeviceNames(map: MapLibre, palette: Palette): Remove {
  return addLayer(map, {
    id: "device-name",
    type: "symbol",
    source: DEVICES,
    minzoom: 9,
    filter: ["==", ["get", "alarm"], ""],
    layout: {
      "text-field": ["get", "name"],
      "text-font": PLAIN,
      "text-size": 12,
      "text-variable-anchor": ["top", "bottom", "left", "right"],
      "text-radial-offset": 1.3,
      "text-max-width": 12,
    },
    paint: { "text-color": palette.label, "text-halo-color": palette.halo, "text-halo-width": 1.8 },
  });
}
