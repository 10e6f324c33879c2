import type { Map as MapLibre } from "maplibre-gl";
import { LOOKS, type Look } from "../rules/marker";
import { FILLS, outlineOf, type Fill } from "../shapes";
import { iconName } from "./features";
import type { Remove } from "./layer";
import type { Palette } from "./palette";

const RATIO = 2;
/** The 32-unit shapes, drawn a little larger than life, with a margin for the rim. */
const SIZE_PX = 38;
const MARGIN = 2.5;

/** Draw every marker once on a canvas: shapes from the same outlines as the page, no picture files. */
export function addIcons(map: MapLibre, palette: Palette): Remove {
  const names: string[] = [];
  for (const look of LOOKS) {
    for (const van of [false, true]) {
      for (const fill of FILLS) {
        const image = drawIcon(look, van, fill, palette);
        if (!image) continue;
        const name = iconName(look, van, fill);
        map.addImage(name, image, { pixelRatio: RATIO });
        names.push(name);
      }
    }
  }
  return () => {
    for (const name of names) map.removeImage(name);
  };
}

function drawIcon(look: Look, van: boolean, fill: Fill, palette: Palette): ImageData | null {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE_PX * RATIO;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (!pen) return null;
  const unit = (SIZE_PX * RATIO) / (32 + 2 * MARGIN);
  pen.setTransform(unit, 0, 0, unit, MARGIN * unit, MARGIN * unit);
  pen.lineJoin = "round";
  const outline = new Path2D(outlineOf(look, van));
  // A rim in the map's own tone keeps touching markers apart.
  pen.strokeStyle = palette.halo;
  pen.lineWidth = 5;
  pen.stroke(outline);
  if (fill !== "solid") {
    pen.fillStyle = palette.inside;
    pen.fill(outline);
    // Not in the colour of its look: a green line around nothing must not reassure.
    pen.strokeStyle = fill === "dashed" ? palette.label : palette.fill(look);
    pen.lineWidth = 3;
    if (fill === "dashed") pen.setLineDash([5, 3.5]);
    pen.stroke(outline);
  } else {
    pen.fillStyle = palette.fill(look);
    pen.fill(outline);
  }
  return pen.getImageData(0, 0, canvas.width, canvas.height);
}
