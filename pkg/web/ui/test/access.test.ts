import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { accessOf, accessUrl, askAccess, everything } from '../src/access.ts';
import { RequestError } from '../src/protoo.ts';

const page = new URL('https://h:4443/?roomId=r#x');
const fetched = globalThis.fetch;
afterEach(() => { globalThis.fetch = fetched; });

/** Has fetch answer; what was asked is noted. */
function answer(status: number, body: string): { url?: string; authorization?: string } {
  const asked: { url?: string; authorization?: string } = {};
  globalThis.fetch = ((url: string, init: { headers: Record<string, string> }) => {
    Object.assign(asked, { url, authorization: init.headers.Authorization });
    return Promise.resolve(new Response(body, { status }));
  }) as unknown as typeof fetch;
  return asked;
}

test('what an answer allows: what it does not name is denied', () => {
  assert.deepEqual(accessOf({}), { audio: false, video: false, subscribe: false, data: false });
  assert.deepEqual(accessOf({ canPublish: true, canSubscribe: true, canPublishData: true }), everything);
  assert.deepEqual(accessOf({ canPublish: { kinds: ['audio'] }, canSubscribe: true }), { audio: true, video: false, subscribe: true, data: false });
  assert.deepEqual(accessOf({ canPublish: {} }), { audio: false, video: false, subscribe: false, data: false });
});

test('the token goes into a header, not into the address', async () => {
  const asked = answer(200, '{"canSubscribe":true}');
  const access = await askAccess(page, 'r 1', 'p', 'secret');
  assert.deepEqual(asked, { url: accessUrl(page, 'r 1', 'p'), authorization: 'Bearer secret' });
  assert.equal(asked.url, 'https://h:4443/access?roomId=r+1&peerId=p');
  assert.equal(access.subscribe, true);
});

test('a refusal is told with its reason', async () => {
  answer(401, 'the token has expired\n');
  await assert.rejects(askAccess(page, 'r', 'p', 't'), (error: unknown) => error instanceof RequestError && error.code === 401 &&
    error.reason === 'the token has expired');
});

test('no answer, or one of a server without tokens, stops nobody', async () => {
  answer(404, 'not found');
  assert.deepEqual(await askAccess(page, 'r', 'p', ''), everything);
  answer(200, '<html>');
  assert.deepEqual(await askAccess(page, 'r', 'p', ''), everything);
  globalThis.fetch = () => Promise.reject(new TypeError('network'));
  assert.deepEqual(await askAccess(page, 'r', 'p', ''), everything);
});
