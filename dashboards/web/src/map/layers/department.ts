import type { Map as MapLibre } from "maplibre-gl";
import { addWithSource, mapFile, type Remove } from "../layer";
import { PLAIN, type Palette } from "../palette";

/** The ground: the department stands out from its faint neighbours. */
export function addDepartment(map: MapLibre, palette: Palette): Remove {
  return addWithSource(map, "department", { type: "geojson", data: mapFile("department") }, [
    {
      id: "department-fill",
      type: "fill",
      source: "department",
      filter: ["==", ["get", "kind"], "home"],
      paint: { "fill-color": palette.inside },
    },
    {
      id: "department-borders",
      type: "line",
      source: "department",
      filter: ["==", ["get", "kind"], "border"],
      paint: { "line-color": palette.border, "line-width": 1, "line-dasharray": [4, 3] },
    },
    {
      id: "department-outline",
      type: "line",
      source: "department",
      filter: ["==", ["get", "kind"], "home"],
      layout: { "line-join": "round" },
      paint: { "line-color": palette.outline, "line-width": ["interpolate", ["linear"], ["zoom"], 7, 1.2, 12, 2.5] },
    },
    {
      id: "department-neighbours",
      type: "symbol",
      source: "department",
      filter: ["==", ["get", "kind"], "neighbour"],
      layout: {
        "text-field": ["upcase", ["get", "name"]],
        "text-font": PLAIN,
        "text-size": 11,
        "text-letter-spacing": 0.12,
      },
      paint: { "text-color": palette.border, "text-halo-color": palette.outside, "text-halo-width": 1 },
    },
  ]);
}
