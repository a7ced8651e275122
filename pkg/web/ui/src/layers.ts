// Simulcast and SVC layers: what a consumer offers, and which of them a tile needs.

/** One layer: spatial 0 is the smallest picture, temporal 0 the fewest frames per second. */
export interface Layers {
  spatialLayer: number;
  temporalLayer: number;
}

/** How many layers there are, from an encoding's scalabilityMode ("L3T3", "S2T1", "L3T2_KEY"); 1 and 1 if it has none. */
export function layerCount(scalabilityMode: string | undefined): { spatial: number; temporal: number } {
  const match = /^[LS]([1-9]\d?)T([1-9]\d?)/.exec(scalabilityMode ?? '');
  return match ? { spatial: Number(match[1]), temporal: Number(match[2]) } : { spatial: 1, temporal: 1 };
}

/**
 * The spatial layer for a tile whose picture is shown heightPx device pixels high. The layers are taken to halve from a
 * 720-line picture downward; the smallest one that reaches four fifths of the tile is enough to look sharp.
 */
export function spatialLayerFor(heightPx: number, spatialLayers: number): number {
  for (let layer = 0; layer < spatialLayers - 1; layer++) {
    const lines = 720 / 2 ** (spatialLayers - 1 - layer);
    if (lines >= heightPx * 0.8) return layer;
  }
  return Math.max(0, spatialLayers - 1);
}

/** A spatial layer in words: "Low", "Medium", "High", or its number where there are other than three. */
export function spatialName(layer: number, count: number): string {
  if (count === 3) return ['Low', 'Medium', 'High'][layer] ?? String(layer);
  if (count === 2) return layer === 0 ? 'Low' : 'High';
  return String(layer);
}

/** A temporal layer as its share of the frame rate, which doubles from layer to layer. */
export function temporalName(layer: number, count: number): string {
  return ['Full', 'Half', 'Quarter'][count - 1 - layer] ?? `1/${2 ** (count - 1 - layer)}`;
}
