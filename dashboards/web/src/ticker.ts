import { nowMs, serverNowMs } from "./store";

type Beat = () => void;

/** Run every beat once a second, also while the tab is hidden, and move `nowMs` on. */
export function startTicker(beats: readonly Beat[]): void {
  const tick = () => {
    nowMs.value = serverNowMs();
    for (const beat of beats) beat();
  };
  try {
    const worker = new Worker(new URL("./tick_worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = tick;
    worker.onerror = () => setInterval(tick, 1000);
  } catch {
    setInterval(tick, 1000);
  }
  // A tab that wakes up must not show old ages for another second.
  document.addEventListener("visibilitychange", tick);
  tick();
}
