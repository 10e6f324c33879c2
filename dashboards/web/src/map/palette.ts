import type { Look } from "../rules/marker";

/** The map's colours, read from the style sheet: one place decides what an alarm looks like. */
export interface Palette {
  outside: string;
  inside: string;
  border: string;
  outline: string;
  water: string;
  motorway: string;
  road: string;
  label: string;
  waterLabel: string;
  halo: string;
  alarm: string;
  fill: (look: Look) => string;
  ink: (look: Look) => string;
}

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return {
    outside: read("--map-outside"),
    inside: read("--map-inside"),
    border: read("--map-border"),
    outline: read("--map-outline"),
    water: read("--map-water"),
    motorway: read("--map-motorway"),
    road: read("--map-road"),
    label: read("--map-label"),
    waterLabel: read("--map-water-label"),
    halo: read("--map-halo"),
    alarm: read("--look-alarm-sos"),
    fill: (look) => read(`--look-${look}`),
    ink: (look) => read(`--ink-${look}`),
  };
}

/** No glyph files are shipped: MapLibre draws these with the computer's own fonts. "Bold" in the first name sets the weight. */
export const PLAIN = ["system-ui", "Arial"];
export const BOLD = ["Console Bold", "system-ui", "Arial"];
