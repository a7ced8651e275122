import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Notices } from '../src/notices.ts';
import { Peers } from '../src/peers.ts';
import { describeBrowser, sourceOf, type ConsumerInfo } from '../src/wire.ts';

const device = { flag: 'chrome', name: 'Chrome', version: '1' };

function consumer() {
  const log: string[] = [];
  return { log, close: () => log.push('close'), pause: () => log.push('pause'), resume: () => log.push('resume') };
}

function info(id: string, peerId: string, kind: 'audio' | 'video' = 'audio'): ConsumerInfo {
  return {
    id, peerId, kind, producerId: `p-${id}`, type: kind === 'audio' ? 'simple' : 'simulcast', appData: {}, producerPaused: false,
    rtpParameters: { codecs: [], encodings: [{ scalabilityMode: 'L3T3' }] },
  } as ConsumerInfo;
}

function room() {
  const peers = new Peers();
  const log: string[] = [];
  peers.on('joined', (peer) => log.push(`joined ${peer.id}`));
  peers.on('left', (peer) => log.push(`left ${peer.id}`));
  peers.on('renamed', (peer) => log.push(`renamed ${peer.id} ${peer.displayName}`));
  peers.on('media', (peer, source) => log.push(`media ${peer.id} ${source}`));
  peers.on('quality', (media) => log.push(`quality ${media.id}`));
  const making: string[] = [];
  const notices = new Notices(peers, {
    consumerClosed: (id) => making.push(`closed ${id}`),
    consumerPaused: (id, paused) => making.push(`${paused ? 'paused' : 'resumed'} ${id}`),
  });
  return { peers, log, notices, making };
}

test('notifications change the peers', () => {
  const { peers, log, notices } = room();
  notices.receive('newPeer', { id: 'ada', displayName: 'Ada', device });
  const audio = consumer();
  peers.addMedia(info('c1', 'ada'), 'mic', audio as never, false);
  notices.receive('consumerPaused', { consumerId: 'c1' });
  notices.receive('consumerPaused', { consumerId: 'c1' }); // said twice, told once
  notices.receive('consumerResumed', { consumerId: 'c1' });
  notices.receive('peerDisplayNameChanged', { peerId: 'ada', displayName: 'Countess' });
  notices.receive('consumerScore', { consumerId: 'c1', score: { score: 9, producerScore: 10, producerScores: [10] } });
  notices.receive('consumerClosed', { consumerId: 'c1' });
  notices.receive('peerClosed', { peerId: 'ada' });
  notices.receive('peerClosed', { peerId: 'ada' });
  assert.deepEqual(log, ['joined ada', 'media ada mic', 'media ada mic', 'media ada mic', 'renamed ada Countess', 'quality c1', 'media ada mic', 'left ada']);
  assert.deepEqual(audio.log, ['pause', 'resume', 'close']);
  assert.equal(peers.all.size, 0);
});

test('layers come and go', () => {
  const { peers, notices } = room();
  peers.add({ id: 'ada', displayName: 'Ada', device });
  const media = peers.addMedia(info('c1', 'ada', 'video'), 'camera', consumer() as never, false);
  assert.deepEqual(media.layers, { spatial: 3, temporal: 3 });
  notices.receive('consumerLayersChanged', { consumerId: 'c1', spatialLayer: 1, temporalLayer: 2 });
  assert.deepEqual(media.current, { spatialLayer: 1, temporalLayer: 2 });
  notices.receive('consumerLayersChanged', { consumerId: 'c1', spatialLayer: null, temporalLayer: null });
  assert.equal(media.current, undefined);
});

test('news of unknown ids and unknown news are ignored', () => {
  const { log, notices, making } = room();
  for (const method of ['consumerPaused', 'consumerResumed', 'consumerClosed', 'consumerLayersChanged', 'consumerScore']) notices.receive(method, { consumerId: 'x' });
  for (const method of ['peerClosed', 'peerDisplayNameChanged']) notices.receive(method, { peerId: 'x' });
  notices.receive('somethingNew', {});
  notices.receive('toString', {});
  notices.receive('dataConsumerClosed', undefined);
  assert.deepEqual(log, []);
  // but who makes such a consumer just now is told
  assert.deepEqual(making, ['paused x', 'resumed x', 'closed x']);
});

test('the other notifications reach their listeners', () => {
  const { notices } = room();
  const log: unknown[] = [];
  notices.on('activeSpeaker', (peerId, volume) => log.push([peerId, volume]));
  notices.on('downlink', (available) => log.push(available));
  notices.on('producerScore', (id, scores) => log.push([id, scores]));
  notices.receive('activeSpeaker', { peerId: 'ada', volume: -40 });
  notices.receive('activeSpeaker', { peerId: null });
  notices.receive('downlinkBwe', { availableBitrate: 600000 });
  notices.receive('producerScore', { producerId: 'p', score: [{ encodingIdx: 0, score: 10 }, { encodingIdx: 1, score: 7 }] });
  assert.deepEqual(log, [['ada', -40], [null, undefined], 600000, ['p', [10, 7]]]);
});

test('a rejoin keeps who is still there and drops all media', () => {
  const { peers, log } = room();
  for (const id of ['ada', 'grace']) peers.add({ id, displayName: id, device });
  const old = consumer();
  peers.addMedia(info('c1', 'ada'), 'mic', old as never, false);
  log.length = 0;
  peers.dropMedia();
  peers.reset([{ id: 'ada', displayName: 'Ada', device }, { id: 'ken', displayName: 'Ken', device }]);
  assert.deepEqual(log, ['media ada mic', 'left grace', 'renamed ada Ada', 'joined ken']);
  assert.deepEqual(old.log, ['close']);
  assert.equal(peers.media('c1'), undefined);
});

test('media of a peer that was not announced makes the peer', () => {
  const { peers } = room();
  peers.addMedia(info('c1', 'ghost'), 'mic', consumer() as never, true);
  assert.equal(peers.of('ghost', 'mic')?.paused, true);
  peers.add({ id: 'ghost', displayName: 'Casper', device });
  assert.equal(peers.all.get('ghost')?.displayName, 'Casper');
  assert.equal(peers.all.size, 1);
});

test('the newest of two media of one source counts', () => {
  const { peers } = room();
  peers.addMedia(info('old', 'ada', 'video'), 'camera', consumer() as never, false);
  peers.addMedia(info('new', 'ada', 'video'), 'camera', consumer() as never, false);
  assert.equal(peers.of('ada', 'camera')?.id, 'new');
  peers.closeMedia('new');
  assert.equal(peers.of('ada', 'camera')?.id, 'old');
});

test('sources', () => {
  assert.equal(sourceOf('audio', { source: 'screen' }), 'mic');
  assert.equal(sourceOf('video', {}), 'camera');
  assert.equal(sourceOf('video', { share: true }), 'screen');
  assert.equal(sourceOf('video', { source: 'screen' }), 'screen');
  assert.equal(sourceOf('video', { source: 'screensharing' }), 'screen');
});

test('browsers', () => {
  const name = (agent: string): string => `${describeBrowser(agent).name} ${describeBrowser(agent).version}`;
  const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36';
  assert.equal(name(chrome), 'Chrome 156.0.0.0');
  assert.equal(name(chrome.replace('Chrome', 'HeadlessChrome')), 'Chrome 156.0.0.0');
  assert.equal(name(`${chrome} Edg/156.0.1.2`), 'Edge 156.0.1.2');
  assert.equal(name('Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'), 'Firefox 140.0');
  assert.equal(name('Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15'), 'Safari 18.3');
  assert.equal(name('curl/8'), 'Browser ');
});
