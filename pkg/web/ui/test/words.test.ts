import assert from 'node:assert/strict';
import { test } from 'node:test';
import { captureText, deviceLostText, roomText, sentence } from '../src/errors.ts';
import { InsecureContextError } from '../src/media.ts';
import { ConnectionError, RequestError } from '../src/protoo.ts';

const dom = (name: string): DOMException => new DOMException('internal words', name);

test('capture errors are told without internal words', () => {
  for (const name of ['NotAllowedError', 'NotFoundError', 'NotReadableError', 'OverconstrainedError', 'AbortError', 'SecurityError']) {
    for (const source of ['mic', 'camera'] as const) {
      const text = captureText(source, dom(name))!;
      assert.ok(text.includes(source === 'mic' ? 'microphone' : 'camera'), text);
      assert.ok(!text.includes('internal words') && !text.includes('Error'), text);
      assert.ok(text.endsWith('.'), text);
    }
  }
  assert.match(captureText('camera', new InsecureContextError())!, /https/);
  assert.match(captureText('devices', dom('NotAllowedError'))!, /camera and microphone/);
  assert.match(captureText('mic', new Error('strange'))!, /Strange\.$/);
  assert.match(captureText('camera', new RequestError('produce', 400, 'unsupported codec'))!, /The server does not take your camera: Unsupported codec\./);
});

test('who cancels sharing needs no explanation', () => {
  assert.equal(captureText('screen', dom('NotAllowedError')), undefined);
  assert.equal(captureText('screen', dom('NotFoundError')), 'There is no screen to share.');
});

test('room errors', () => {
  assert.match(roomText(new RequestError('join', 503, '')), /full/);
  assert.match(roomText(new RequestError('join', 500, 'Room is full')), /full/);
  assert.match(roomText(new RequestError('join', 403, 'bad token')), /may not enter this room: Bad token\./);
  assert.match(roomText(new RequestError('join', 4000, '')), /another window/);
  assert.match(roomText(new RequestError('join', 4000, 'room closed')), /Room closed\./);
  assert.match(roomText(new RequestError('join', 400, '')), /error 400/i);
  assert.match(roomText(new ConnectionError('x')), /cannot be reached/);
  const unsupported = Object.assign(new Error('device not supported'), { name: 'UnsupportedError' });
  assert.match(roomText(unsupported), /This browser cannot take part: Device not supported\./);
  assert.match(roomText('odd'), /Odd\./);
});

test('sentences', () => {
  assert.equal(sentence(' all workers died '), 'All workers died.');
  assert.equal(sentence('Why?'), 'Why?');
  assert.equal(sentence(''), '');
  assert.match(deviceLostText('mic'), /hear/);
  assert.match(deviceLostText('camera'), /see/);
});
