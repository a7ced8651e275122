// Where the tiles go: the number of columns that makes 16:9 tiles largest in the room there is.

/** Width by height of a tile. */
export const tileAspect = 16 / 9;

/** Below this width a tile of the grid shows nothing useful: the grid scrolls instead. */
export const minTileWidth = 132;

/** CSS pixels. */
export interface Rect {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Grid {
  columns: number;
  rows: number;
  /** Whole CSS pixels. */
  tileWidth: number;
  tileHeight: number;
}

/**
 * The best grid for count tiles in width × height CSS pixels with gap pixels between tiles. Of two column counts with equally
 * large tiles it takes the one with fewer empty places.
 */
export function bestGrid(count: number, width: number, height: number, gap: number): Grid {
  if (count < 1 || width < 1 || height < 1) return { columns: 1, rows: 1, tileWidth: 0, tileHeight: 0 };
  let best = fit(count, 1, width, height, gap);
  for (let columns = 2; columns <= count; columns++) {
    const next = fit(count, columns, width, height, gap);
    const larger = next.tileWidth - best.tileWidth;
    const fuller = best.columns * best.rows - next.columns * next.rows;
    if (larger > 0 || (larger === 0 && fuller > 0)) best = next;
  }
  return best;
}

function fit(count: number, columns: number, width: number, height: number, gap: number): Grid {
  const rows = Math.ceil(count / columns);
  const roomWidth = (width - gap * (columns - 1)) / columns;
  const roomHeight = (height - gap * (rows - 1)) / rows;
  const tileWidth = Math.max(0, Math.floor(Math.min(roomWidth, roomHeight * tileAspect)));
  return { columns, rows, tileWidth, tileHeight: Math.floor(tileWidth / tileAspect) };
}

/** The grid that keeps tiles at least minTileWidth wide, however high it grows. */
function scrollingGrid(count: number, width: number, gap: number): Grid {
  const columns = Math.max(1, Math.floor((width + gap) / (minTileWidth + gap)));
  const tileWidth = Math.floor((width - gap * (columns - 1)) / columns);
  return { columns, rows: Math.ceil(count / columns), tileWidth, tileHeight: Math.floor(tileWidth / tileAspect) };
}

/** The places of count tiles of a grid, centred in an area; the last row is centred in itself. */
function place(count: number, grid: Grid, area: Rect, gap: number): Rect[] {
  const { columns, rows, tileWidth, tileHeight } = grid;
  const top = area.top + Math.max(0, Math.floor((area.height - rows * tileHeight - (rows - 1) * gap) / 2));
  return Array.from({ length: count }, (_, i) => {
    const row = Math.floor(i / columns);
    const inRow = row === rows - 1 ? count - row * columns : columns;
    const left = area.left + Math.floor((area.width - inRow * tileWidth - (inRow - 1) * gap) / 2);
    return { left: left + (i % columns) * (tileWidth + gap), top: top + row * (tileHeight + gap), width: tileWidth, height: tileHeight };
  });
}

/**
 * The places of all tiles in width × height: featured ones (a shared screen, a pinned person) first. Without featured tiles all are
 * equal; with them the others go into a strip, beside them in a wide room, below them in a tall one. Only the equal grid may
 * grow beyond height.
 */
export function arrange(featured: number, others: number, width: number, height: number, gap: number): Rect[] {
  const all: Rect = { left: 0, top: 0, width, height };
  if (featured === 0 || others === 0) {
    const count = featured + others;
    const best = bestGrid(count, width, height, gap);
    const small = best.tileWidth < Math.min(minTileWidth, width);
    return place(count, small ? scrollingGrid(count, width, gap) : best, all, gap);
  }
  const { main, strip } = divide(all, others, gap);
  return [
    ...place(featured, bestGrid(featured, main.width, main.height, gap), main, gap),
    ...place(others, bestGrid(others, strip.width, strip.height, gap), strip, gap),
  ];
}

/** Divides an area into main part and strip; a crowd gets a wider strip. */
function divide(all: Rect, others: number, gap: number): { main: Rect; strip: Rect } {
  const crowd = others > 8 ? 1.4 : 1;
  if (all.width > all.height * 1.2) {
    const side = Math.round(Math.min(280, Math.max(minTileWidth, all.width * 0.18)) * crowd);
    return {
      main: { ...all, width: all.width - side - gap },
      strip: { left: all.width - side, top: 0, width: side, height: all.height },
    };
  }
  const below = Math.round(Math.min(160, Math.max(84, all.height * 0.16)) * crowd);
  return {
    main: { ...all, height: all.height - below - gap },
    strip: { left: 0, top: all.height - below, width: all.width, height: below },
  };
}
