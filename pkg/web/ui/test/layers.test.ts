import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { encodingsFor } from '../src/encodings.ts';
import { firstMs, LayerChoice, settleMs } from '../src/layerchoice.ts';
import { layerCount, spatialLayerFor, spatialName, temporalName, type Layers } from '../src/layers.ts';
import { Peers, type RemoteMedia } from '../src/peers.ts';

test('scalability modes', () => {
  assert.deepEqual(layerCount('L3T3'), { spatial: 3, temporal: 3 });
  assert.deepEqual(layerCount('L3T2_KEY'), { spatial: 3, temporal: 2 });
  assert.deepEqual(layerCount('S2T1'), { spatial: 2, temporal: 1 });
  assert.deepEqual(layerCount(undefined), { spatial: 1, temporal: 1 });
  assert.deepEqual(layerCount('none'), { spatial: 1, temporal: 1 });
});

test('a tile gets the smallest picture that fills it', () => {
  assert.equal(spatialLayerFor(100, 3), 0);
  assert.equal(spatialLayerFor(225, 3), 0);
  assert.equal(spatialLayerFor(226, 3), 1);
  assert.equal(spatialLayerFor(450, 3), 1);
  assert.equal(spatialLayerFor(451, 3), 2);
  assert.equal(spatialLayerFor(4000, 3), 2);
  assert.equal(spatialLayerFor(4000, 1), 0);
});

test('layers in words', () => {
  assert.deepEqual([0, 1, 2].map((layer) => spatialName(layer, 3)), ['Low', 'Medium', 'High']);
  assert.deepEqual([0, 1].map((layer) => spatialName(layer, 2)), ['Low', 'High']);
  assert.deepEqual([0, 1, 2].map((layer) => temporalName(layer, 3)), ['Quarter', 'Half', 'Full']);
  assert.equal(temporalName(0, 5), '1/16');
});

test('encodings', () => {
  assert.deepEqual(encodingsFor('mic', 'audio/opus', true), []);
  const camera = encodingsFor('camera', 'video/VP8', true);
  assert.deepEqual(camera.map((each) => each.scaleResolutionDownBy), [4, 2, 1]);
  assert.ok(camera.every((each) => each.scalabilityMode === 'L1T3'));
  assert.ok(encodingsFor('camera', 'video/H264', true).every((each) => each.scalabilityMode === 'L1T1'));
  assert.equal(encodingsFor('camera', 'video/VP9', true).length, 1);
  assert.equal(encodingsFor('camera', 'video/VP8', false).length, 1);
  const [screen] = encodingsFor('screen', 'video/VP8', true);
  assert.ok(screen!.maxFramerate! <= 15);
  assert.equal(screen!.scalabilityMode, undefined);
});

/** A consumed camera of peer "ada" with three by three layers. */
function camera(peers: Peers, id: string, type: 'simulcast' | 'simple' = 'simulcast'): RemoteMedia {
  const consumer = { close() {}, pause() {}, resume() {} } as unknown as RemoteMedia['consumer'];
  return peers.addMedia({
    id, peerId: 'ada', producerId: 'p', kind: 'video', type, appData: {}, producerPaused: false,
    rtpParameters: { codecs: [], encodings: [{ scalabilityMode: 'L3T3' }] },
  } as Parameters<Peers['addMedia']>[0], 'camera', consumer, false);
}

function choice(automatic = true): { peers: Peers; layers: LayerChoice; asked: [string, Layers][] } {
  const peers = new Peers();
  const asked: [string, Layers][] = [];
  const layers = new LayerChoice(peers, (id, wanted) => { asked.push([id, wanted]); return Promise.resolve(); }, automatic);
  return { peers, layers, asked };
}

test('sizes are asked for once they settle, and only when they change the layer', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const { peers, layers, asked } = choice();
    const media = camera(peers, 'c1');
    for (const height of [700, 300, 200]) layers.shown(media, height);
    assert.deepEqual(asked, []);
    mock.timers.tick(firstMs);
    assert.deepEqual(asked, [['c1', { spatialLayer: 0, temporalLayer: 2 }]]);
    layers.shown(media, 180);
    mock.timers.tick(settleMs);
    assert.equal(asked.length, 1);
    layers.shown(media, 900);
    mock.timers.tick(settleMs - 1);
    assert.equal(asked.length, 1);
    mock.timers.tick(1);
    assert.deepEqual(asked[1], ['c1', { spatialLayer: 2, temporalLayer: 2 }]);
  } finally {
    mock.timers.reset();
  }
});

test('a large tile asks nothing: consumers start at the top', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const { peers, layers, asked } = choice();
    layers.shown(camera(peers, 'c1'), 1000);
    layers.shown(camera(peers, 'c2', 'simple'), 10);
    mock.timers.tick(settleMs);
    assert.deepEqual(asked, []);
  } finally {
    mock.timers.reset();
  }
});

test('a choice by hand wins over the size and survives a new consumer', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const { peers, layers, asked } = choice();
    await layers.choose('ada', 'camera', { spatial: 1, temporal: 0 });
    assert.deepEqual(asked, []); // nothing is consumed yet
    layers.shown(camera(peers, 'c1'), 100);
    mock.timers.tick(settleMs);
    assert.deepEqual(asked, [['c1', { spatialLayer: 1, temporalLayer: 0 }]]);
    peers.closeMedia('c1');
    layers.shown(camera(peers, 'c2'), 1000);
    mock.timers.tick(settleMs);
    assert.deepEqual(asked[1], ['c2', { spatialLayer: 1, temporalLayer: 0 }]);
    await layers.choose('ada', 'camera', { spatial: undefined, temporal: undefined });
    assert.deepEqual(asked[2], ['c2', { spatialLayer: 2, temporalLayer: 2 }]);
  } finally {
    mock.timers.reset();
  }
});

test('without automatic choice only people choose, within what there is', async () => {
  const { peers, layers, asked } = choice(false);
  const media = camera(peers, 'c1');
  layers.shown(media, 10);
  assert.deepEqual(layers.wanted(media), { spatialLayer: 2, temporalLayer: 2 });
  await layers.choose('ada', 'camera', { spatial: 9, temporal: 9 });
  assert.deepEqual(asked, []);
});

test('a refused request is asked again', async () => {
  const peers = new Peers();
  let calls = 0;
  const layers = new LayerChoice(peers, () => (++calls === 1 ? Promise.reject(new Error('no')) : Promise.resolve()), true);
  camera(peers, 'c1');
  await assert.rejects(layers.choose('ada', 'camera', { spatial: 0, temporal: 0 }));
  await layers.choose('ada', 'camera', { spatial: 0, temporal: 0 });
  assert.equal(calls, 2);
});
