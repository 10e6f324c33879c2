import type { LayerSpecification, Map as MapLibre, SourceSpecification } from "maplibre-gl";

export type Remove = () => void;

/** Add a source with the layers that draw it. The answer takes away exactly what was added. */
export function addWithSource(map: MapLibre, id: string, source: SourceSpecification, layers: LayerSpecification[]): Remove {
  map.addSource(id, source);
  const removeLayers = layers.map((layer) => addLayer(map, layer));
  return () => {
    for (const remove of removeLayers) remove();
    map.removeSource(id);
  };
}

export function addLayer(map: MapLibre, layer: LayerSpecification): Remove {
  map.addLayer(layer);
  return () => {
    map.removeLayer(layer.id);
  };
}

/** The shipped map data, next to index.html wherever that is. */
export function mapFile(name: string): string {
  return new URL(`map/${name}.geojson`, document.baseURI).href;
}
