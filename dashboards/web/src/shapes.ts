import type { Look } from "./rules/marker";

/**
 * One outline per look in a 32 x 32 box, drawn both on the map and in the page,
 * so that the legend, the table and the map cannot drift apart.
 */
export const SHAPES: Record<Look, string> = {
  // disc
  moving: "M16 4a12 12 0 1 1 0 24a12 12 0 1 1 0-24z",
  // square
  still: "M7 5h18a2 2 0 0 1 2 2v18a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2z",
  // hexagon
  silent: "M9.5 4.5h13L29 16l-6.5 11.5h-13L3 16z",
  // square, hollow
  paused: "M7 5h18a2 2 0 0 1 2 2v18a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2z",
  // ring
  unknown: "M16 4a12 12 0 1 1 0 24a12 12 0 1 1 0-24z",
  off: "M16 6a10 10 0 1 1 0 20a10 10 0 1 1 0-20z",
  // diamond
  "alarm-stillness": "M16 0.5L31.5 16L16 31.5L0.5 16z",
  // octagon
  "alarm-sos": "M10 1h12l9 9v12l-9 9H10l-9-9V10z",
  // triangle
  "alarm-technical": "M16 1.5L31.5 29.5H0.5z",
};

/** A van is wider than a person, whatever its state. */
export const VAN_SHAPE = "M3 8h26a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H3a2 2 0 0 1-2-2V10a2 2 0 0 1 2-2z";

/** Drawn as an outline only: nothing certain is known. */
export const HOLLOW: ReadonlySet<Look> = new Set<Look>(["unknown", "paused", "off"]);

export function outlineOf(look: Look, van: boolean): string {
  return van && !look.startsWith("alarm") ? VAN_SHAPE : SHAPES[look];
}
