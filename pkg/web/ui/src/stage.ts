// The place of all tiles. Tiles are moved by style alone: taking a playing video out of the document would stop it.

import { h } from './dom.ts';
import { arrange } from './grid.ts';
import type { Tile } from './tile.ts';

const gap = 10;
const phoneGap = 6;

export class Stage {
  readonly element = h('section', { class: 'stage', attrs: { 'aria-label': 'People in the room' } });
  private readonly tiles = new Map<string, Tile>();
  private pinned: string | undefined;
  private scheduled = false;

  /** onLayout is called after each arrangement: picture sizes may have changed. */
  constructor(private readonly onLayout: () => void) {
    new ResizeObserver(() => this.schedule()).observe(this.element);
  }

  tile(key: string): Tile | undefined {
    return this.tiles.get(key);
  }

  all(): Iterable<Tile> {
    return this.tiles.values();
  }

  add(tile: Tile): void {
    this.tiles.set(tile.key, tile);
    this.element.append(tile.element);
    this.schedule();
  }

  remove(key: string): void {
    const tile = this.tiles.get(key);
    if (!tile) return;
    this.tiles.delete(key);
    if (this.pinned === key) this.pinned = undefined;
    tile.remove();
    this.schedule();
  }

  clear(): void {
    for (const key of [...this.tiles.keys()]) this.remove(key);
  }

  isPinned(key: string): boolean {
    return this.pinned === key;
  }

  /** Features one tile above the others, or ends it. */
  togglePin(key: string): void {
    this.pinned = this.pinned === key ? undefined : key;
    for (const tile of this.tiles.values()) tile.setPinned(tile.key === this.pinned);
    this.schedule();
  }

  /** Arranges at the next frame: many tiles may come at once. */
  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      this.layout();
    });
  }

  private layout(): void {
    const featured = this.featured();
    const others = this.ordered().filter((tile) => !featured.includes(tile));
    const { clientWidth, clientHeight } = this.element;
    const rects = arrange(featured.length, others.length, clientWidth, clientHeight, clientWidth < 600 ? phoneGap : gap);
    [...featured, ...others].forEach((tile, i) => tile.place(rects[i]!));
    this.onLayout();
  }

  /** A pinned tile alone, otherwise all shared screens. */
  private featured(): Tile[] {
    const pinned = this.pinned === undefined ? undefined : this.tiles.get(this.pinned);
    if (pinned) return this.tiles.size > 1 ? [pinned] : [];
    return [...this.tiles.values()].filter((tile) => tile.options.source === 'screen');
  }

  /** Others in the order they came, oneself last: the place where one looks least. */
  private ordered(): Tile[] {
    const all = [...this.tiles.values()];
    return [...all.filter((tile) => !tile.options.self), ...all.filter((tile) => tile.options.self)];
  }
}
