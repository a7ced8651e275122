import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inbound, outbound, Rates, roundTripTime, type InboundStats } from '../src/stats.ts';
import { receivedRows, sentRows } from '../src/statslines.ts';
import type { RemoteMedia } from '../src/peers.ts';

const report = (...entries: Record<string, unknown>[]): Map<string, Record<string, unknown>> =>
  new Map(entries.map((entry) => [String(entry.id), entry]));

const video = { id: 'i1', type: 'inbound-rtp', kind: 'video', trackIdentifier: 't1', codecId: 'c1', bytesReceived: 1000, packetsReceived: 10, packetsLost: 1,
  jitter: 0.004, framesDecoded: 30, framesPerSecond: 29.7, frameWidth: 640, frameHeight: 360, timestamp: 5000 };
const codec = { id: 'c1', type: 'codec', mimeType: 'video/VP8' };

test('received tracks are found by their id', () => {
  const tracks = inbound(report(video, codec, { id: 'x', type: 'outbound-rtp' }, { id: 'y', type: 'inbound-rtp', kind: 'audio' }));
  assert.deepEqual([...tracks.keys()], ['t1']);
  const stats = tracks.get('t1')!;
  assert.deepEqual([stats.codec, stats.framesDecoded, stats.bytesReceived, stats.audioLevel], ['VP8', 30, 1000, undefined]);
});

test('sent encodings come in order with the loss the other side saw', () => {
  const sent = outbound(report(
    { id: 'o2', type: 'outbound-rtp', kind: 'video', rid: 'r1', bytesSent: 5, active: false, timestamp: 1 },
    { id: 'o1', type: 'outbound-rtp', kind: 'video', rid: 'r0', bytesSent: 9, remoteId: 'ri', qualityLimitationReason: 'cpu', timestamp: 1 },
    { id: 'ri', type: 'remote-inbound-rtp', fractionLost: 0.02 }));
  assert.deepEqual(sent.map((each) => [each.rid, each.active, each.fractionLost, each.limitation]),
    [['r0', true, 0.02, 'cpu'], ['r1', false, undefined, undefined]]);
});

test('the round trip is that of the pair in use', () => {
  const pairs = [
    { id: 'p1', type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.1 },
    { id: 'p2', type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.02 },
  ];
  assert.equal(roundTripTime(report(...pairs, { id: 't', type: 'transport', selectedCandidatePairId: 'p2' })), 0.02);
  assert.equal(roundTripTime(report(...pairs)), 0.1);
  assert.equal(roundTripTime(report()), undefined);
});

test('rates are differences over time', () => {
  const rates = new Rates();
  const next = (bytes: number, received: number, lost: number, timestamp: number) => rates.next('k', { bytes, received, lost, timestamp });
  assert.deepEqual(next(1000, 10, 0, 1000), { bitrate: undefined, loss: undefined });
  assert.deepEqual(next(126_000, 100, 10, 2000), { bitrate: 1_000_000, loss: 0.1 });
  assert.deepEqual(next(126_000, 100, 10, 2000), { bitrate: undefined, loss: undefined }); // the same report again
  assert.deepEqual(next(126_000, 101, 8, 3000), { bitrate: 0, loss: 0 }); // late packets take losses back
  assert.deepEqual(next(10, 1, 0, 4000), { bitrate: undefined, loss: undefined }); // a new track under the old key
  rates.forget(new Set());
  assert.deepEqual(next(20, 2, 0, 5000), { bitrate: undefined, loss: undefined });
});

test('rows for a received tile', () => {
  const stats = inbound(report(video, codec)).get('t1') as InboundStats;
  const media = { layers: { spatial: 3, temporal: 3 }, current: { spatialLayer: 1, temporalLayer: 2 }, score: { score: 9 } } as RemoteMedia;
  assert.deepEqual(receivedRows({ media, stats, rate: { bitrate: 512_000, loss: 0.004 } }, undefined, 0.012), [
    ['Video', 'VP8 · 512 kbit/s'], ['Picture', '640 × 360 · 30 fps'], ['Layers', 'S1 T2 of 3 × 3'],
    ['Loss', '0.4 %'], ['RTT', '12 ms'], ['Jitter', '4 ms'], ['Score', '9 of 10'],
  ]);
  assert.deepEqual(receivedRows(undefined, undefined, undefined), [['RTT', '–']]);
  const simple = { layers: { spatial: 1, temporal: 1 }, current: undefined, score: undefined } as unknown as RemoteMedia;
  assert.ok(!receivedRows({ media: simple, stats, rate: { bitrate: 1, loss: 0 } }, undefined, 0).some(([label]) => label === 'Layers'));
});

test('rows for one’s own tile', () => {
  const encodings = outbound(report(
    { id: 'a', type: 'outbound-rtp', kind: 'video', rid: 'r0', bytesSent: 5, frameHeight: 180, framesPerSecond: 30, timestamp: 1, qualityLimitationReason: 'bandwidth' },
    { id: 'b', type: 'outbound-rtp', kind: 'video', rid: 'r1', bytesSent: 0, active: false, timestamp: 1 }));
  assert.deepEqual(sentRows(encodings, [{ bitrate: 140_000, loss: undefined }, { bitrate: undefined, loss: undefined }], 0.03, [10, 0]), [
    ['r0', '180p · 30 fps · 140 kbit/s'], ['r1', 'off'], ['Loss', '–'], ['RTT', '30 ms'], ['Score', '10 · 0'], ['Limited by', 'bandwidth'],
  ]);
});
