import { computed, effect } from "@preact/signals";
import type { ExpressionSpecification, Map as MapLibre } from "maplibre-gl";
import { devices } from "../../store";
import { DEVICES } from "../device_source";
import { addLayer, type Remove } from "../layer";
import type { Palette } from "../palette";

/** From this many devices on, markers seen from afar would be one smear of letters, and slow to draw. */
const CROWD = 400;
export const DOTS_BELOW_ZOOM = 10;
export const crowded = computed(() => devices.value.size > CROWD);

/** Nothing to worry about: only these may shrink to a dot. */
export const ORDINARY = [
  "all",
  ["in", ["get", "look"], ["literal", ["moving", "still", "off"]]],
  ["!=", ["get", "fill"], "dashed"],
] as ExpressionSpecification;

/** Stands in for the markers of a large fleet while zoomed out. */
export function addDeviceDots(map: MapLibre, palette: Palette): Remove {
  const remove = addLayer(map, {
    id: "device-dot",
    type: "circle",
    source: DEVICES,
    maxzoom: DOTS_BELOW_ZOOM,
    filter: ["all", ["==", ["get", "alarm"], ""], ORDINARY],
    layout: { visibility: "none" },
    paint: {
      "circle-radius": ["interpolate", ["linear"], ["zoom"], 7, 2.5, 10, 5],
      "circle-color": [
        "match",
        ["get", "look"],
        "moving",
        palette.fill("moving"),
        "still",
        palette.fill("still"),
        palette.fill("off"),
      ],
      "circle-opacity": ["get", "solid"],
      "circle-stroke-color": palette.halo,
      "circle-stroke-width": 1,
    },
  });
  const stop = effect(() => {
    map.setLayoutProperty("device-dot", "visibility", crowded.value ? "visible" : "none");
  });
  return () => {
    stop();
    remove();
  };
}
