import type { Polygon } from "geojson";
import type { Position } from "../contract";

const METRES_PER_DEGREE = 111_195;

/** The accuracy circle as a polygon on the ground; good to a metre at the radii a receiver reports. */
export function circleOf(position: Position, corners = 48): Polygon {
  // Unknown accuracy is drawn as 100 m rather than as a false point.
  const radius_deg = (position.accuracy_m ?? 100) / METRES_PER_DEGREE;
  const stretch = 1 / Math.cos((position.lat * Math.PI) / 180);
  const ring: [number, number][] = [];
  for (let corner = 0; corner <= corners; corner += 1) {
    const angle = (2 * Math.PI * corner) / corners;
    ring.push([position.lon + radius_deg * stretch * Math.cos(angle), position.lat + radius_deg * Math.sin(angle)]);
  }
  return { type: "Polygon", coordinates: [ring] };
}
