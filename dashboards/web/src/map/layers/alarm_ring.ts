import type { Map as MapLibre } from "maplibre-gl";
import { calm } from "../../screen";
import { untreatedVital } from "../../store";
import { DEVICES } from "../device_source";
import { addLayer, type Remove } from "../layer";
import type { Palette } from "../palette";

/** One breath in 1.6 s: far below the three flashes a second that can harm. */
const STEP_MS = 400;
/** Steps, not a running animation: four small repaints a breath leave the processor to the rest. */
const RADII_PX = [25, 29, 33, 29] as const;

/** A ring around alarms nobody has taken. It breathes, or stands still for those who asked for calm. */
export function addAlarmRing(map: MapLibre, palette: Palette): Remove {
  const remove = addLayer(map, {
    id: "alarm-ring",
    type: "circle",
    source: DEVICES,
    filter: ["==", ["get", "alarm"], "triggered"],
    paint: {
      "circle-radius": RADII_PX[1],
      "circle-radius-transition": { duration: 0, delay: 0 },
      "circle-color": palette.alarm,
      "circle-opacity": 0.18,
      "circle-stroke-color": palette.alarm,
      "circle-stroke-width": 2.5,
    },
  });
  let step = 0;
  const breath = setInterval(() => {
    if (calm?.matches || document.hidden || untreatedVital.peek().length === 0) return;
    step = (step + 1) % RADII_PX.length;
    map.setPaintProperty("alarm-ring", "circle-radius", RADII_PX[step]);
  }, STEP_MS);
  return () => {
    clearInterval(breath);
    remove();
  };
}
