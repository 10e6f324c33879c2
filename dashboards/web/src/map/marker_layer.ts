import type { ExpressionSpecification, FilterSpecification, SymbolLayerSpecification } from "maplibre-gl";
import { LOOKS } from "../rules/marker";
import { DEVICES } from "./device_source";
import { BOLD, type Palette } from "./palette";

/** Shape, colour and two letters. Never hidden by another marker, never gathered into a cluster; names make way for it. */
export function markerLayer(id: string, filter: FilterSpecification, large: boolean, palette: Palette): SymbolLayerSpecification {
  const ink = LOOKS.flatMap((look) => [look, palette.ink(look)]);
  return {
    id,
    type: "symbol",
    source: DEVICES,
    filter,
    layout: {
      "icon-image": ["get", "icon"],
      "icon-size": large ? 1.12 : 0.82,
      "icon-allow-overlap": true,
      "text-field": ["get", "tag"],
      "text-font": BOLD,
      "text-size": large ? 13 : 11,
      // As `tagHeight` in the page.
      "text-offset": [
        "match",
        ["get", "look"],
        "prealarm",
        ["literal", [0, 0.35]],
        "alarm-technical",
        ["literal", [0, -0.15]],
        ["literal", [0, 0]],
      ],
      "text-allow-overlap": true,
      "text-ignore-placement": true,
      "symbol-sort-key": ["get", "rank"],
    },
    paint: {
      "icon-opacity": ["get", "solid"],
      "text-opacity": ["max", ["get", "solid"], 0.75],
      "text-color": [
        "case",
        ["!=", ["get", "fill"], "solid"],
        palette.label,
        ["match", ["get", "look"], ...ink, palette.label],
      ] as unknown as ExpressionSpecification,
    },
  };
}
