import type { Map as MapLibre } from "maplibre-gl";
import { addWithSource, mapFile, type Remove } from "../layer";
import { BOLD, type Palette } from "../palette";

export function addRoads(map: MapLibre, palette: Palette): Remove {
  return addWithSource(map, "roads", { type: "geojson", data: mapFile("roads") }, [
    {
      id: "roads-departmental",
      type: "line",
      source: "roads",
      filter: ["==", ["get", "kind"], "departmental"],
      layout: { "line-join": "round", "line-cap": "round" },
      paint: { "line-color": palette.road, "line-width": ["interpolate", ["linear"], ["zoom"], 7, 0.8, 10, 2, 14, 5] },
    },
    {
      id: "roads-motorway",
      type: "line",
      source: "roads",
      filter: ["==", ["get", "kind"], "motorway"],
      layout: { "line-join": "round", "line-cap": "round" },
      paint: { "line-color": palette.motorway, "line-width": ["interpolate", ["linear"], ["zoom"], 7, 1.8, 10, 3.5, 14, 8] },
    },
    {
      id: "roads-number",
      type: "symbol",
      source: "roads",
      minzoom: 8.2,
      layout: {
        "symbol-placement": "line",
        "symbol-spacing": 260,
        "text-field": ["get", "ref"],
        "text-font": BOLD,
        "text-size": 10.5,
        "text-rotation-alignment": "viewport",
        "text-padding": 12,
      },
      paint: { "text-color": palette.label, "text-halo-color": palette.halo, "text-halo-width": 2.5 },
    },
  ]);
}
