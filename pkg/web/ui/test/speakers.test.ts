import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdMs, Speakers } from '../src/speakers.ts';

const list = (speakers: Speakers, at: number): string[] => [...speakers.current(at)].sort();

test('levels count until the server speaks', () => {
  const speakers = new Speakers();
  speakers.heard([['ada', 0.3], ['ken', 0.001], ['grace', 0.05]], 1000);
  assert.deepEqual(list(speakers, 1000), ['ada', 'grace']);
  assert.deepEqual(list(speakers, 1000 + holdMs + 1), []);
  speakers.serverSays('ken', 3000);
  speakers.heard([['ada', 0.9]], 3000);
  assert.deepEqual(list(speakers, 3000), ['ken']);
});

test('the server’s speaker stays until another speaks or silence lasts', () => {
  const speakers = new Speakers();
  speakers.serverSays('ada', 0);
  assert.deepEqual(list(speakers, 60_000), ['ada']);
  speakers.serverSays('ken', 60_000);
  assert.deepEqual(list(speakers, 60_000), ['ken']);
  speakers.serverSays(null, 61_000);
  assert.deepEqual(list(speakers, 61_000 + holdMs), ['ken']);
  assert.deepEqual(list(speakers, 61_001 + holdMs), []);
});

test('reset forgets the server', () => {
  const speakers = new Speakers();
  speakers.serverSays('ada', 0);
  speakers.reset();
  assert.deepEqual(list(speakers, 0), []);
  speakers.heard([['ken', 1]], 0);
  assert.deepEqual(list(speakers, 0), ['ken']);
});
