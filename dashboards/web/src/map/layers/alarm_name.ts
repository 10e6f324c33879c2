import type { Map as MapLibre } from "maplibre-gl";
import { DEVICES } from "../device_source";
import { addLayer, type Remove } from "../layer";
import { BOLD, type Palette } from "../palette";

/** An alarm says who and what at every zoom, and pushes other names away. */
export function addAlarmNames(map: MapLibre, palette: Palette): Remove {
  return addLayer(map, {
    id: "alarm-name",
    type: "symbol",
    source: DEVICES,
    filter: ["!=", ["get", "alarm"], ""],
    layout: {
      "text-field": ["get", "caption"],
      "text-font": BOLD,
      "text-size": 13.5,
      "text-variable-anchor": ["top", "bottom", "right", "left"],
      "text-radial-offset": 1.75,
      "text-max-width": 16,
      "text-allow-overlap": true,
      "symbol-sort-key": ["-", 0, ["get", "rank"]],
    },
    paint: { "text-color": palette.label, "text-halo-color": palette.halo, "text-halo-width": 2.4 },
  });
}
