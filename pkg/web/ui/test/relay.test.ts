import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseParams } from '../src/params.ts';
import { relayOf, relayServers } from '../src/relay.ts';

const servers = [{
  urls: ['turn:h:1?transport=udp', 'turn:h:1?transport=tcp', 'turns:h:443?transport=tcp', 'turn:h:2'], username: 'u', credential: 'c',
}, { urls: 'turn:other:1?transport=tcp', username: 'u', credential: 'c' }];

const urls = (relay: Parameters<typeof relayServers>[1]) => relayServers(servers, relay).map((server) => server.urls);

test('a relay may be asked for over one transport', () => {
  assert.deepEqual(urls('udp'), [['turn:h:1?transport=udp', 'turn:h:2']]);
  assert.deepEqual(urls('tcp'), [['turn:h:1?transport=tcp'], ['turn:other:1?transport=tcp']]);
  assert.deepEqual(urls('tls'), [['turns:h:443?transport=tcp']]);
  assert.deepEqual(relayServers(servers, 'udp')[0], { urls: ['turn:h:1?transport=udp', 'turn:h:2'], username: 'u', credential: 'c' });
});

test('without a wish all stay as they are', () => {
  assert.deepEqual(relayServers(servers, undefined), servers);
  assert.deepEqual(relayServers(servers, 'any'), servers);
});

test('the address of the page says which', () => {
  const relay = (query: string) => parseParams(new URL(`https://h/?roomId=r${query}`), () => 0.5).relay;
  assert.deepEqual([relay(''), relay('&relay=0'), relay('&relay=1'), relay('&relay=tls'), relay('&relay=udp'), relay('&relay=tcp')],
    [undefined, undefined, 'any', 'tls', 'udp', 'tcp']);
  assert.equal(relayOf('x'), 'any');
});
