import type { Map as MapLibre } from "maplibre-gl";
import { addWithSource, mapFile, type Remove } from "../layer";
import { PLAIN, type Palette } from "../palette";

export function addRivers(map: MapLibre, palette: Palette): Remove {
  return addWithSource(map, "rivers", { type: "geojson", data: mapFile("rivers") }, [
    {
      id: "rivers-line",
      type: "line",
      source: "rivers",
      filter: ["==", ["get", "kind"], "river"],
      layout: { "line-join": "round", "line-cap": "round" },
      paint: { "line-color": palette.water, "line-width": ["interpolate", ["linear"], ["zoom"], 7, 0.9, 12, 3] },
    },
    {
      id: "rivers-canal",
      type: "line",
      source: "rivers",
      filter: ["==", ["get", "kind"], "canal"],
      paint: { "line-color": palette.water, "line-width": 1.2, "line-dasharray": [3, 2] },
    },
    {
      id: "rivers-name",
      type: "symbol",
      source: "rivers",
      minzoom: 8.5,
      layout: {
        "symbol-placement": "line",
        "symbol-spacing": 400,
        "text-field": ["get", "name"],
        "text-font": PLAIN,
        "text-size": 11,
      },
      paint: { "text-color": palette.waterLabel, "text-halo-color": palette.halo, "text-halo-width": 1.2 },
    },
  ]);
}
