import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrange, bestGrid, minTileWidth, tileAspect, type Rect } from '../src/grid.ts';

function overlap(a: Rect, b: Rect): boolean {
  return a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height;
}

const rooms: [width: number, height: number][] = [[1256, 670], [1920, 950], [374, 730], [800, 320], [600, 600], [320, 500]];

test('columns follow count and shape', () => {
  const columns = (count: number, width: number, height: number): number => bestGrid(count, width, height, 10).columns;
  assert.deepEqual([1, 2, 3, 4, 5, 7, 9, 12].map((count) => columns(count, 1256, 670)), [1, 2, 2, 2, 3, 3, 3, 4]);
  assert.deepEqual([1, 2, 3, 4, 7, 12].map((count) => columns(count, 374, 730)), [1, 1, 1, 1, 2, 2]);
});

test('no other number of columns makes larger tiles', () => {
  for (const [width, height] of rooms) {
    for (let count = 1; count <= 25; count++) {
      const best = bestGrid(count, width, height, 10);
      for (let columns = 1; columns <= count; columns++) {
        const rows = Math.ceil(count / columns);
        const size = Math.min((width - 10 * (columns - 1)) / columns, ((height - 10 * (rows - 1)) / rows) * tileAspect);
        assert.ok(Math.floor(size) <= best.tileWidth, `${count} in ${width}×${height}: ${columns} columns are better than ${best.columns}`);
      }
    }
  }
});

test('tiles keep 16:9, stay inside and apart', () => {
  for (const [width, height] of rooms) {
    for (let others = 0; others <= 20; others++) {
      for (const featured of [0, 1, 2]) {
        const rects = arrange(featured, others, width, height, 8);
        assert.equal(rects.length, featured + others);
        rects.forEach((rect, i) => {
          assert.ok(rect.width > 0 && Math.abs(rect.width - rect.height * tileAspect) < 2, `${JSON.stringify(rect)} is not 16:9`);
          assert.ok(rect.left >= 0 && rect.left + rect.width <= width, 'wider than the room');
          if (featured > 0) assert.ok(rect.top + rect.height <= height, 'higher than the room');
          for (const other of rects.slice(i + 1)) assert.ok(!overlap(rect, other), 'tiles overlap');
        });
      }
    }
  }
});

test('a crowd scrolls instead of shrinking to nothing', () => {
  const rects = arrange(0, 40, 374, 730, 6);
  assert.ok(rects.every((rect) => rect.width >= minTileWidth));
  assert.ok(Math.max(...rects.map((rect) => rect.top + rect.height)) > 730);
});

test('the last row is centred', () => {
  const rects = arrange(0, 3, 1000, 600, 10);
  const last = rects[2]!;
  assert.ok(Math.abs(last.left + last.width / 2 - 500) <= 1);
});

test('a featured tile is the largest', () => {
  for (const [width, height] of rooms) {
    const [first, ...rest] = arrange(1, 6, width, height, 8);
    for (const rect of rest) assert.ok(first!.width > rect.width);
  }
});

test('nothing fits into nothing', () => {
  assert.deepEqual(bestGrid(3, 0, 0, 10), { columns: 1, rows: 1, tileWidth: 0, tileHeight: 0 });
  assert.deepEqual(arrange(0, 0, 100, 100, 10), []);
});
