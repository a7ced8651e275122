import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bitrate, hue, initials, milliseconds, percent, resolution } from '../src/format.ts';

test('bitrates are read in the unit that fits', () => {
  assert.equal(bitrate(0), '0 kbit/s');
  assert.equal(bitrate(849_600), '850 kbit/s');
  assert.equal(bitrate(1_440_000), '1.4 Mbit/s');
  assert.equal(bitrate(NaN), '–');
  assert.equal(bitrate(-1), '–');
});

test('small losses do not vanish', () => {
  assert.equal(percent(0), '0 %');
  assert.equal(percent(0.0001), '0.1 %');
  assert.equal(percent(0.0043), '0.4 %');
  assert.equal(percent(0.124), '12 %');
  assert.equal(percent(1), '100 %');
  assert.equal(percent(NaN), '–');
});

test('what is not known is a dash', () => {
  assert.equal(milliseconds(undefined), '–');
  assert.equal(milliseconds(0.0384), '38 ms');
  assert.equal(resolution(0, 0), '–');
  assert.equal(resolution(1280, 720), '1280 × 720');
});

test('initials come from the first and the last word', () => {
  assert.equal(initials('Ada Lovelace'), 'AL');
  assert.equal(initials('  grace  brewster murray  hopper '), 'GH');
  assert.equal(initials('ken'), 'K');
  assert.equal(initials('jean-luc'), 'JL');
  assert.equal(initials('Ünal Öz'), 'ÜÖ');
  assert.equal(initials('😀 face'), '😀F');
  assert.equal(initials(' . '), '?');
  assert.equal(initials(''), '?');
});

test('hues are steady, in range, and differ between like names', () => {
  const seen = new Set<number>();
  for (let i = 0; i < 12; i++) {
    const value = hue(`peer${i}`);
    assert.equal(value, hue(`peer${i}`));
    assert.ok(value >= 0 && value < 360);
    seen.add(Math.floor(value / 10));
  }
  assert.ok(seen.size >= 7, `only ${seen.size} of 12 are apart`);
});
