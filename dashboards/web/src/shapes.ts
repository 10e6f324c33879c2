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
  // tent
  paused: "M9 5h14l7 22H2z",
  // hexagon
  silent: "M9.5 4.5h13L29 16l-6.5 11.5h-13L3 16z",
  // ring
  unknown: "M16 4a12 12 0 1 1 0 24a12 12 0 1 1 0-24z",
  off: "M16 6a10 10 0 1 1 0 20a10 10 0 1 1 0-20z",
  // triangle
  prealarm: "M16 1L31.5 29.5H0.5z",
  // diamond
  "alarm-stillness": "M16 0.5L31.5 16L16 31.5L0.5 16z",
  // octagon
  "alarm-sos": "M10 1h12l9 9v12l-9 9H10l-9-9V10z",
  // shield: it is the protection that is broken
  "alarm-technical": "M3 2.5h26v12.5c0 8-5.5 12.5-13 15.5C8.5 27.5 3 23 3 15z",
};

/** A van is wider than a person, whatever its state. */
export const VAN_SHAPE = "M3 8h26a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H3a2 2 0 0 1-2-2V10a2 2 0 0 1 2-2z";

/** hollow: nothing certain is known, or somebody has taken the alarm. dashed: not protected. */
export type Fill = "solid" | "hollow" | "dashed";
export const FILLS: readonly Fill[] = ["solid", "hollow", "dashed"];
const HOLLOW: ReadonlySet<Look> = new Set<Look>(["unknown", "off"]);

/** An alarm says more than that its wearer is not protected either. */
export function fillOf(look: Look, { done, bare }: { done: boolean; bare: boolean }): Fill {
  if (look.startsWith("alarm") || look === "prealarm") return done ? "hollow" : "solid";
  if (bare) return "dashed";
  return HOLLOW.has(look) ? "hollow" : "solid";
}

/** Where the two letters stand in the box: a triangle and a shield have their weight elsewhere than in the middle. */
export function tagHeight(look: Look, van: boolean): number {
  if (look === "prealarm" && !van) return 21.5;
  return look === "alarm-technical" ? 14.5 : 16.5;
}

export function outlineOf(look: Look, van: boolean): string {
  return van && !look.startsWith("alarm") ? VAN_SHAPE : SHAPES[look];
}
