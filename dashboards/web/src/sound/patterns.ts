import type { Alert, AlertKind } from "../contract";

/** What each alarm sounds like. The rhythm alone tells them apart, so that no ear for pitch is needed. */
export type SoundKind = "sos" | "stillness" | "lost" | "technical" | "notice";

export interface Note {
  at_s: number;
  lasts_s: number;
  pitch_hz: number;
  loudness: number;
}

export interface Pattern {
  notes: readonly Note[];
  /** From the start of one round to the start of the next. */
  every_s: number;
}

const note = (at_s: number, lasts_s: number, pitch_hz: number, loudness = 1): Note => ({ at_s, lasts_s, pitch_hz, loudness });

export const PATTERNS: Record<SoundKind, Pattern> = {
  // Two tones chasing each other: cannot be slept through.
  sos: { every_s: 2, notes: [0, 0.3, 0.6, 0.9].flatMap((at) => [note(at, 0.14, 880), note(at + 0.15, 0.14, 1320)]) },
  // Three falling tones, like someone going down.
  stillness: { every_s: 3, notes: [note(0, 0.28, 784), note(0.32, 0.28, 659), note(0.64, 0.5, 523)] },
  // Two low, long tones.
  lost: { every_s: 5, notes: [note(0, 0.5, 220), note(0.6, 0.5, 196)] },
  technical: { every_s: 8, notes: [note(0, 0.12, 587, 0.6), note(0.2, 0.12, 587, 0.6)] },
  // One soft, short tone, seldom: only a protection is broken.
  notice: { every_s: 20, notes: [note(0, 0.1, 440, 0.35)] },
};

const SOUNDS: Partial<Record<AlertKind, SoundKind>> = {
  sos: "sos",
  duress: "sos",
  fall: "sos",
  stillness: "stillness",
  check_missed: "stillness",
  device_alarm: "stillness",
  van_hazard: "stillness",
  infrastructure: "lost",
};
const GRAVEST_FIRST: readonly SoundKind[] = ["sos", "stillness", "lost", "technical", "notice"];

/** The gravest reason to make noise, or null for silence. */
export function soundFor(alerts: Iterable<Pick<Alert, "kind" | "vital">>, connectionLost: boolean): SoundKind | null {
  const wanted = new Set<SoundKind>(connectionLost ? ["lost"] : []);
  for (const { kind, vital } of alerts) wanted.add(vital ? (SOUNDS[kind] ?? "technical") : "notice");
  return GRAVEST_FIRST.find((sound) => wanted.has(sound)) ?? null;
}
