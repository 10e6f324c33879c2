import type { ExpressionSpecification, Map as MapLibre } from "maplibre-gl";
import { addWithSource, mapFile, type Remove } from "../layer";
import { BOLD, PLAIN, type Palette } from "../palette";

/** The smaller the town, the closer one has to be. */
export function addPlaces(map: MapLibre, palette: Palette): Remove {
  const shown = ["step", ["zoom"], ["<=", ["get", "class"], 3], 8.6, ["<=", ["get", "class"], 4], 9.8, true] as never;
  const name = {
    "text-color": palette.label,
    "text-opacity": ["case", ["has", "outside"], 0.7, 1] as ExpressionSpecification,
    "text-halo-color": palette.halo,
    "text-halo-width": 1.6,
  };
  return addWithSource(map, "places", { type: "geojson", data: mapFile("places") }, [
    {
      id: "places-dot",
      type: "circle",
      source: "places",
      filter: shown,
      paint: {
        "circle-radius": ["interpolate", ["linear"], ["get", "class"], 1, 4, 3, 2.6, 5, 1.8],
        "circle-color": palette.label,
        "circle-opacity": 0.75,
      },
    },
    {
      id: "places-name",
      type: "symbol",
      source: "places",
      filter: ["all", shown, [">", ["get", "class"], 2]] as never,
      layout: {
        "text-field": ["get", "name"],
        "text-font": PLAIN,
        "text-size": ["interpolate", ["linear"], ["get", "class"], 3, 12.5, 5, 11],
        "text-variable-anchor": ["left", "right", "top", "bottom"],
        "text-radial-offset": 0.45,
        "text-justify": "auto",
        "symbol-sort-key": ["get", "class"],
      },
      paint: name,
    },
    {
      // The eye needs these to know where it is, even with markers standing on them.
      id: "places-city",
      type: "symbol",
      source: "places",
      filter: ["<=", ["get", "class"], 2],
      layout: {
        "text-field": ["get", "name"],
        "text-font": BOLD,
        "text-size": ["interpolate", ["linear"], ["get", "class"], 1, 16, 2, 14],
        "text-variable-anchor": ["left", "right", "bottom", "top"],
        "text-radial-offset": 0.9,
        "text-allow-overlap": true,
      },
      paint: name,
    },
  ]);
}
