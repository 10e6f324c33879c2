import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { DispatchMap } from "../map/dispatch_map";
import { outOfView } from "../map/sight";
import { cameraWish, mapMissing, view } from "../screen";
import { connection, heardAtMs, informed, serverNowMs, untreatedVital } from "../store";
import { clockText } from "../text/instants";
import { words } from "../text/language";

/** The map stays alive while hidden, so that going back to it costs nothing. */
export function MapPane({ hidden }: { hidden: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const map = useRef<DispatchMap | null>(null);
  useEffect(() => {
    let gone = false;
    void openMap(box.current).then((opened) => {
      if (gone) opened?.remove();
      else map.current = opened;
    });
    return () => {
      gone = true;
      map.current?.remove();
    };
  }, []);
  return (
    <div class="map-pane" hidden={hidden}>
      <div id="map" ref={box} data-ready="false" data-device-count="0" data-loading={words.mapLoading} aria-label={words.map} />
      <div class="map-tools">
        <button type="button" aria-label={words.zoomIn} title={words.zoomIn} onClick={() => map.current?.zoomBy(1)}>
          +
        </button>
        <button type="button" aria-label={words.zoomOut} title={words.zoomOut} onClick={() => map.current?.zoomBy(-1)}>
          −
        </button>
        <button
          type="button"
          aria-label={words.wholeDepartment}
          title={words.wholeDepartment}
          onClick={() => (cameraWish.value = { to: "department" })}
        >
          ⌂
        </button>
      </div>
      <OutOfView />
      {connection.value === "lost" && (
        <p class="frozen">{words.frozenAt(clockText(heardAtMs.value + (serverNowMs() - Date.now()), words))}</p>
      )}
      <p class="credit">{words.credit}</p>
    </div>
  );
}

/** Alarms nobody has taken and the map does not show; it never moves by itself while the dispatcher uses it. */
function OutOfView() {
  const missing = untreatedVital.value.filter((alert) => outOfView.value.has(alert.id));
  const first = missing[0];
  if (!first) return null;
  return (
    <button type="button" class="out-of-view" onClick={() => (cameraWish.value = { to: "alert", id: first.id })}>
      {words.outOfView(missing.length)}
    </button>
  );
}

/** Starting WebGL can hold the page for a second; the alarms come first. */
async function queueShown(): Promise<void> {
  let stop = () => {};
  await new Promise<void>((resolve) => {
    stop = effect(() => {
      if (informed.value) setTimeout(resolve, 50); // it runs at once, and the picture may be there before it
    });
    setTimeout(resolve, 2_000);
  });
  stop();
}

/** The map is a megabyte of code; it comes after the queue is on screen, and the console lives without it. */
async function openMap(box: HTMLElement | null): Promise<DispatchMap | null> {
  if (!box) return null;
  try {
    await queueShown();
    const { DispatchMap } = await import("../map/dispatch_map");
    return await DispatchMap.open(box);
  } catch (cause) {
    console.warn("The map cannot be shown; the table takes its place.", cause);
    mapMissing.value = true;
    view.value = "table";
    return null;
  }
}
