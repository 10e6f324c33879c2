import { computed, effect, signal } from "@preact/signals";
import { connection, untreated, untreatedVital } from "../store";
import { PATTERNS, soundFor, type SoundKind } from "./patterns";
import { play } from "./speaker";

const MUTE_MS = 60_000;

/** 0 when the sound is on. Muting always ends by itself, and at every new alarm in which somebody may be in danger. */
export const mutedUntilMs = signal(0);
export const wantedSound = computed(() => soundFor(untreated.value, connection.value === "lost"));

let playing: SoundKind | null = null;
let nextRoundAtMs = 0;
let known: ReadonlySet<number> = new Set();

export function toggleMute(): void {
  mutedUntilMs.value = mutedUntilMs.value === 0 ? Date.now() + MUTE_MS : 0;
}

/** A change of alarms is heard at once; the ticker only repeats it. */
export function startAlarmSound(): void {
  effect(() => {
    const ids = untreatedVital.value.map((alert) => alert.id);
    if (ids.some((id) => !known.has(id))) mutedUntilMs.value = 0;
    known = new Set(ids);
  });
  effect(() => {
    void wantedSound.value;
    repeatSound();
  });
}

/** Called once a second, and when the reason changes. */
export function repeatSound(): void {
  const now = Date.now();
  if (mutedUntilMs.peek() !== 0 && now >= mutedUntilMs.peek()) mutedUntilMs.value = 0;
  const kind = wantedSound.peek();
  if (kind !== playing) {
    playing = kind;
    nextRoundAtMs = 0;
  }
  if (kind === null || mutedUntilMs.peek() !== 0 || now < nextRoundAtMs) return;
  // A little early counts as due: the ticker's seconds are not exact.
  nextRoundAtMs = now + PATTERNS[kind].every_s * 1000 - 200;
  play(kind);
}
