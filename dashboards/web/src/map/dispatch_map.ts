import { effect, untracked } from "@preact/signals";
import { Map as MapLibre, ScaleControl, setWorkerUrl } from "maplibre-gl";
// The worker is a file of its own on this host, so that the policy needs neither blob: nor eval.
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import { openSubject, theme } from "../screen";
import { words } from "../text/language";
import { DEPARTMENT, steerCamera } from "./camera";
import { addDeviceSource } from "./device_source";
import { addIcons } from "./icons";
import type { Remove } from "./layer";
import { addAlarmAccuracy } from "./layers/alarm_accuracy";
import { addAlarmMarkers } from "./layers/alarm_marker";
import { addAlarmNames } from "./layers/alarm_name";
import { addAlarmRing } from "./layers/alarm_ring";
import { addDepartment } from "./layers/department";
import { addDeviceDots } from "./layers/device_dot";
import { addDeviceMarkers } from "./layers/device_marker";
import { addDeviceNames } from "./layers/device_name";
import { addPlaces } from "./layers/places";
import { addRivers } from "./layers/rivers";
import { addRoads } from "./layers/roads";
import { readPalette } from "./palette";

setWorkerUrl(workerUrl);

const GROUND = ["department", "rivers", "roads", "places"] as const;

/** The live map in one element. Everything it adds, remove() takes away. */
export class DispatchMap {
  private readonly cleanups: Remove[] = [];
  private layers: Remove[] = [];

  private constructor(
    private readonly map: MapLibre,
    private readonly box: HTMLElement,
  ) {}

  static async open(box: HTMLElement): Promise<DispatchMap> {
    const map = new MapLibre({
      container: box,
      style: { version: 8, sources: {}, layers: [] },
      bounds: DEPARTMENT,
      fitBoundsOptions: { padding: 16 },
      minZoom: 6,
      maxZoom: 17,
      maxBounds: [2.4, 45.8, 7.2, 49.2],
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      fadeDuration: 0,
      locale: { "Map.Title": words.map },
    });
    map.touchZoomRotate.disableRotation();
    map.keyboard.disableRotation();
    map.addControl(new ScaleControl({ unit: "metric" }), "bottom-left");
    await map.once("load");
    const opened = new DispatchMap(map, box);
    opened.start();
    return opened;
  }

  zoomBy(steps: number): void {
    this.map.zoomTo(this.map.getZoom() + steps, { duration: 250 });
  }

  remove(): void {
    for (const cleanup of this.cleanups) cleanup();
    this.map.remove();
  }

  private start(): void {
    const stopTheme = effect(() => {
      void theme.value;
      // The layers read other signals while they are built; those must not rebuild the map.
      untracked(() => this.draw());
    });
    this.cleanups.push(stopTheme, steerCamera(this.map));
    const clickable = ["alarm-marker", "device-marker-worry", "device-marker", "device-dot"];
    this.map.on("click", (event) => {
      const id = this.map.queryRenderedFeatures(event.point, { layers: clickable })[0]?.id;
      if (typeof id === "number") openSubject(id);
    });
    this.map.on("mouseenter", clickable, () => (this.map.getCanvas().style.cursor = "pointer"));
    this.map.on("mouseleave", clickable, () => (this.map.getCanvas().style.cursor = ""));
    this.tellWhenDrawn();
  }

  /** Not the map's own "idle": with an alarm's ring breathing it may never be idle. */
  private tellWhenDrawn(): void {
    const look = () => {
      const waiting = GROUND.some((source) => !this.map.isSourceLoaded(source));
      if (waiting || !this.map.areTilesLoaded()) return;
      this.map.off("render", look);
      this.box.dataset["ready"] = "true";
      performance.mark("map-ready");
    };
    this.map.on("render", look);
  }

  /** Colours are part of every layer, so another theme is another set of layers. */
  private draw(): void {
    for (const remove of this.layers.reverse()) remove();
    const palette = readPalette();
    const { map } = this;
    map.addLayer({ id: "ground", type: "background", paint: { "background-color": palette.outside } });
    this.layers = [
      () => map.removeLayer("ground"),
      addIcons(map, palette),
      addDepartment(map, palette),
      addRivers(map, palette),
      addRoads(map, palette),
      addPlaces(map, palette),
      addDeviceSource(map, this.box),
      addDeviceDots(map, palette),
      addAlarmAccuracy(map, palette),
      addAlarmRing(map, palette),
      addDeviceNames(map, palette),
      addAlarmNames(map, palette),
      // Last is on top and placed first: names look for room around the markers.
      addDeviceMarkers(map, palette),
      addAlarmMarkers(map, palette),
    ];
  }
}
