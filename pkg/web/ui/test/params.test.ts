import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inviteLink, parseParams, randomRoomId, signalingUrl } from '../src/params.ts';

const half = (): number => 0.5;
const parse = (address: string) => parseParams(new URL(address), half);

test('the room comes from the query, else from the fragment, else it is new', () => {
  assert.equal(parse('https://h/?roomId=a#b').roomId, 'a');
  assert.equal(parse('https://h/#b%20c').roomId, 'b c');
  assert.equal(parse('https://h/#b').roomIsNew, false);
  const fresh = parse('https://h/');
  assert.ok(fresh.roomIsNew && /^[a-z]+-[a-z]+-[0-9a-z]+$/.test(fresh.roomId), fresh.roomId);
  assert.equal(parse('https://h/#%').roomIsNew, true);
});

test('flags', () => {
  const plain = parse('https://h/');
  assert.deepEqual(
    [plain.autojoin, plain.audio, plain.video, plain.forceTcp, plain.simulcast, plain.autoLayers, plain.codec],
    [false, true, true, false, true, true, undefined]);
  const all = parse('https://h/?autojoin=1&audio=0&video=false&forceTcp=1&simulcast=0&autolayers=0&codec=H264&name=%20Ada%20&peerId=p');
  assert.deepEqual(
    [all.autojoin, all.audio, all.video, all.forceTcp, all.simulcast, all.autoLayers, all.codec, all.name, all.peerId],
    [true, false, false, true, false, false, 'video/H264', 'Ada', 'p']);
  assert.equal(parse('https://h/?codec=theora').codec, undefined);
});

test('random rooms differ and never repeat a word within', () => {
  let state = 1;
  const random = (): number => { state = (state * 48271) % 2147483647; return state / 2147483647; };
  const rooms = new Set(Array.from({ length: 200 }, () => randomRoomId(random)));
  assert.ok(rooms.size > 195);
  for (const room of rooms) {
    const [first, second] = room.split('-');
    assert.notEqual(first, second);
  }
});

test('the invitation tells the room and nothing about the visitor', () => {
  const link = inviteLink(new URL('https://h:4443/?roomId=a&name=Ada&peerId=p&autojoin=1#x'), 'a & b');
  assert.equal(link, 'https://h:4443/?roomId=a+%26+b');
});

test('a token is read, goes with the signaling and never with an invitation', () => {
  assert.equal(parse('https://h/?token=%20a.b.c').token, 'a.b.c');
  assert.equal(parse('https://h/').token, '');
  assert.equal(signalingUrl(new URL('https://h/'), 'r', 'p', 'a.b'), 'wss://h/?roomId=r&peerId=p&token=a.b');
  assert.equal(inviteLink(new URL('https://h/?token=a.b'), 'r'), 'https://h/?roomId=r');
});

test('signaling goes to the host of the page', () => {
  assert.equal(signalingUrl(new URL('https://h:4443/x?y#z'), 'r 1', 'p'), 'wss://h:4443/?roomId=r+1&peerId=p');
  assert.equal(signalingUrl(new URL('http://127.0.0.1:80/'), 'r', 'p'), 'ws://127.0.0.1/?roomId=r&peerId=p');
});
