import { signal } from "@preact/signals";
import { PATTERNS, type Pattern, type SoundKind } from "./patterns";

/** blocked: the browser waits for a click on the page before it lets anything be heard. */
export type AudioState = "ready" | "blocked" | "missing";
export const audioState = signal<AudioState>("blocked");

let context: AudioContext | null = null;
let output: AudioNode | null = null;

function show(): void {
  if (context) audioState.value = context.state === "running" ? "ready" : "blocked";
}

export function startSpeaker(): void {
  try {
    context = new AudioContext();
  } catch {
    audioState.value = "missing";
    return;
  }
  const limiter = context.createDynamicsCompressor();
  limiter.connect(context.destination);
  output = limiter;
  context.onstatechange = show;
  show();
  // Any gesture will do; the big button is for the dispatcher who makes none.
  for (const gesture of ["pointerdown", "keydown"]) document.addEventListener(gesture, () => void unlock(), true);
}

/** Ask for sound. Without a gesture the browser leaves the promise pending, so nothing waits for it. */
export async function unlock(): Promise<void> {
  if (!context || context.state === "running") return;
  try {
    await context.resume();
  } catch {
    // still blocked: show() says so
  }
  show();
}

/** Once a second: a context can also be suspended later, by the system or another program. */
export function checkSpeaker(): void {
  if (!context) return;
  show();
  // Asking again before any gesture would only fill the log.
  if (context.state !== "running" && navigator.userActivation?.hasBeenActive) void unlock();
}

export function play(kind: SoundKind): void {
  if (context?.state === "running" && output) schedule(context, output, PATTERNS[kind]);
}

function schedule(on: AudioContext, to: AudioNode, pattern: Pattern): void {
  for (const { at_s, lasts_s, pitch_hz, loudness } of pattern.notes) {
    const start = on.currentTime + 0.02 + at_s;
    const oscillator = on.createOscillator();
    const gain = on.createGain();
    oscillator.type = "square";
    oscillator.frequency.value = pitch_hz;
    // Soft edges: a square wave cut hard clicks, and clicks tire.
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(0.35 * loudness, start + 0.015);
    gain.gain.setValueAtTime(0.35 * loudness, start + lasts_s - 0.03);
    gain.gain.linearRampToValueAtTime(0, start + lasts_s);
    oscillator.connect(gain).connect(to);
    oscillator.start(start);
    oscillator.stop(start + lasts_s + 0.01);
  }
}
