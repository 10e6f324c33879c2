import { effect, untracked } from "@preact/signals";
import { LngLatBounds, type Map as MapLibre } from "maplibre-gl";
import type { Alert, Position } from "../contract";
import { calm, cameraWish, openAlertId, openDeviceId, type CameraWish } from "../screen";
import { alerts, deviceOf, devices, queue, untreatedVital } from "../store";
import type { Remove } from "./layer";
import { outOfView } from "./sight";

export const DEPARTMENT = new LngLatBounds([4.06, 46.89], [5.53, 48.04]);

/** After the dispatcher last touched the map, it belongs to them for this long. */
const THEIRS_MS = 20_000;
const MARGIN_PX = 70;

function placeOf(alert: Alert): Position | null {
  return untracked(() => deviceOf(alert))?.position ?? alert.position;
}

/** Moves the map when asked, and to a new alarm when nobody is using it. */
export function steerCamera(map: MapLibre): Remove {
  let touchedAtMs = -Infinity;
  let known = new Set<number>();
  const touch = () => (touchedAtMs = Date.now());
  const box = map.getCanvasContainer();
  const gestures = ["pointerdown", "wheel", "touchmove", "keydown"] as const;
  for (const gesture of gestures) box.addEventListener(gesture, touch, { passive: true });

  const stopWishes = effect(() => {
    const wish = cameraWish.value;
    if (wish) grant(map, wish);
  });
  const stopAlarms = effect(() => {
    const waiting = untreatedVital.value;
    const fresh = waiting.filter((alert) => !known.has(alert.id));
    known = new Set(waiting.map((alert) => alert.id));
    const busy = Date.now() - touchedAtMs < THEIRS_MS || openAlertId.peek() !== null || openDeviceId.peek() !== null;
    if (fresh.length > 0 && !busy) fit(map, waiting);
  });

  const look = () => {
    const bounds = map.getBounds();
    const missing = queue.peek().filter((alert) => {
      const place = placeOf(alert);
      return place && !bounds.contains([place.lon, place.lat]);
    });
    outOfView.value = new Set(missing.map((alert) => alert.id));
  };
  map.on("moveend", look);
  map.on("resize", look);
  const stopLook = effect(() => {
    void queue.value;
    look();
  });

  return () => {
    stopWishes();
    stopAlarms();
    stopLook();
    map.off("moveend", look);
    map.off("resize", look);
    for (const gesture of gestures) box.removeEventListener(gesture, touch);
  };
}

/** All waiting alarms at once; an alarm already in sight does not move the map. */
function fit(map: MapLibre, waiting: readonly Alert[]): void {
  const places = waiting.flatMap((alert) => placeOf(alert) ?? []);
  const seen = map.getBounds();
  if (places.length === 0 || places.every((place) => seen.contains([place.lon, place.lat]))) return;
  const bounds = places.reduce((all, { lon, lat }) => all.extend([lon, lat]), new LngLatBounds());
  map.fitBounds(bounds, { padding: MARGIN_PX, maxZoom: 11, animate: !calm?.matches, duration: 900 });
}

function grant(map: MapLibre, wish: CameraWish): void {
  if (wish.to === "department") {
    map.fitBounds(DEPARTMENT, { padding: 16, animate: !calm?.matches, duration: 700 });
    return;
  }
  const alert = wish.to === "alert" ? alerts.peek().get(wish.id) : undefined;
  const place = alert ? placeOf(alert) : wish.to === "device" ? devices.peek().get(wish.id)?.position : null;
  if (!place) return;
  map.easeTo({
    center: [place.lon, place.lat],
    zoom: Math.max(map.getZoom(), 12),
    animate: !calm?.matches,
    duration: 700,
  });
}
