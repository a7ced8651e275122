import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { closeCodes, ConnectionError, decode, encode, Protoo, RequestError, requestTimeoutMs, retryDelayMs, type Message } from '../src/protoo.ts';

/** A WebSocket whose other end is the test. */
class FakeSocket {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = 0;
  sent: string[] = [];
  onopen: (() => void) | undefined;
  onmessage: ((event: { data: unknown }) => void) | undefined;
  onclose: ((event: { code: number; reason: string }) => void) | undefined;

  constructor(readonly url: string, readonly protocol: string) { FakeSocket.all.push(this); }

  send(text: string): void { this.sent.push(text); }
  close(): void { this.readyState = 3; }
  open(): void { this.readyState = 1; this.onopen?.(); }
  say(m: Message): void { this.onmessage?.({ data: encode(m) }); }
  end(code: number, reason = ''): void { this.readyState = 3; this.onclose?.({ code, reason }); }
  last(): Message { return decode(this.sent[this.sent.length - 1]!)!; }
}

(globalThis as { WebSocket: unknown }).WebSocket = FakeSocket;

beforeEach(() => { FakeSocket.all = []; });

const flush = async (): Promise<void> => { for (let i = 0; i < 10; i++) await Promise.resolve(); };

function connected(onRequest: (method: string, data: unknown) => Promise<unknown> = () => Promise.resolve(undefined)) {
  const protoo = new Protoo(() => 'wss://h/?roomId=r&peerId=p', onRequest);
  protoo.connect();
  const socket = FakeSocket.all[0]!;
  socket.open();
  return { protoo, socket };
}

test('frames are read and written as the protocol has them', () => {
  assert.equal(encode({ kind: 'request', id: 7, method: 'join', data: { a: 1 } }), '{"request":true,"id":7,"method":"join","data":{"a":1}}');
  const golden: [string, Message | undefined][] = [
    ['{"request":true,"id":1,"method":"m"}', { kind: 'request', id: 1, method: 'm', data: {} }],
    ['{"notification":true,"method":"m","data":{"x":[1]}}', { kind: 'notification', method: 'm', data: { x: [1] } }],
    ['{"response":true,"id":0,"ok":true}', { kind: 'response', id: 0, ok: true, data: {} }],
    ['{"response":true,"id":2,"ok":false,"errorCode":403,"errorReason":"no"}', { kind: 'response', id: 2, ok: false, errorCode: 403, errorReason: 'no' }],
    ['{"response":true,"id":2}', { kind: 'response', id: 2, ok: false, errorCode: 500, errorReason: '' }],
    ['{"request":true,"method":"m"}', undefined],
    ['{"request":true,"id":1,"method":""}', undefined],
    ['{"notification":true}', undefined],
    ['[]', undefined], ['null', undefined], ['7', undefined], ['{', undefined],
  ];
  for (const [text, message] of golden) {
    assert.deepEqual(decode(text), message, text);
    if (message) assert.deepEqual(decode(encode(message)), message, text);
  }
});

test('the subprotocol is protoo', () => {
  const { socket } = connected();
  assert.equal(socket.protocol, 'protoo');
  assert.equal(socket.url, 'wss://h/?roomId=r&peerId=p');
});

test('answers find their requests, in any order', async () => {
  const { protoo, socket } = connected();
  const first = protoo.request('a');
  const a = socket.last() as Message & { id: number };
  const second = protoo.request('b', { x: 1 });
  const b = socket.last() as Message & { id: number };
  assert.notEqual(a.id, b.id);
  socket.say({ kind: 'response', id: b.id, ok: true, data: 'for b' });
  socket.say({ kind: 'response', id: 999, ok: true, data: 'for nobody' });
  socket.say({ kind: 'response', id: a.id, ok: false, errorCode: 404, errorReason: 'no such thing' });
  assert.equal(await second, 'for b');
  await assert.rejects(first, (error) => error instanceof RequestError && error.code === 404 && error.method === 'a' && error.reason === 'no such thing');
});

test('requests of the server are answered, with errors too', async () => {
  const { socket } = connected((method) => (method === 'good' ? Promise.resolve({ y: 2 }) : Promise.reject(new RequestError(method, 404, 'unknown'))));
  socket.say({ kind: 'request', id: 5, method: 'good', data: {} });
  await flush();
  assert.deepEqual(socket.last(), { kind: 'response', id: 5, ok: true, data: { y: 2 } });
  socket.say({ kind: 'request', id: 6, method: 'bad', data: {} });
  await flush();
  const answer = socket.last();
  assert.ok(answer.kind === 'response' && !answer.ok && answer.errorCode === 404);
});

test('an answer does not go to a later connection', async () => {
  let finish = (): void => undefined;
  const { protoo, socket } = connected(() => new Promise((resolve) => { finish = () => resolve({}); }));
  socket.say({ kind: 'request', id: 5, method: 'slow', data: {} });
  protoo.reset();
  const next = FakeSocket.all[1]!;
  next.open();
  finish();
  await flush();
  assert.deepEqual(socket.sent, []);
  assert.deepEqual(next.sent, []);
});

test('a request that is not answered ends after its time', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const { protoo } = connected();
    const slow = assert.rejects(protoo.request('slow'), ConnectionError);
    const quick = assert.rejects(protoo.request('quick', {}, 1000), ConnectionError);
    mock.timers.tick(1000);
    await quick;
    mock.timers.tick(requestTimeoutMs);
    await slow;
  } finally {
    mock.timers.reset();
  }
});

test('without a connection requests fail at once', async () => {
  const protoo = new Protoo(() => 'wss://h/', () => Promise.resolve());
  await assert.rejects(protoo.request('a'), ConnectionError);
});

test('a lost connection is made anew after a pause, and its requests fail', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const { protoo, socket } = connected();
    const closes: boolean[] = [];
    let opens = 0;
    protoo.on('close', ({ final }) => closes.push(final));
    protoo.on('open', () => opens++);
    const lost = assert.rejects(protoo.request('a'), ConnectionError);
    socket.end(1006);
    await lost;
    assert.deepEqual(closes, [false]);
    assert.equal(FakeSocket.all.length, 1);
    mock.timers.tick(retryDelayMs(0, 1));
    assert.equal(FakeSocket.all.length, 2);
    FakeSocket.all[1]!.end(1006); // not reached: again
    mock.timers.tick(retryDelayMs(1, 1));
    assert.equal(FakeSocket.all.length, 3);
    FakeSocket.all[2]!.open();
    assert.equal(opens, 1);
  } finally {
    mock.timers.reset();
  }
});

for (const [name, code] of Object.entries(closeCodes)) {
  test(`code ${code} (${name}) is final`, () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const { protoo, socket } = connected();
      const closes: { final: boolean; reason: string }[] = [];
      protoo.on('close', (how) => closes.push(how));
      socket.end(code, name);
      mock.timers.tick(120_000);
      assert.deepEqual(closes, [{ final: true, code, reason: name, opened: true }]);
      assert.equal(FakeSocket.all.length, 1);
    } finally {
      mock.timers.reset();
    }
  });
}

test('a socket that never opened says so', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const { protoo, socket } = connected();
    const opened: boolean[] = [];
    protoo.on('close', (how) => opened.push(how.opened));
    socket.end(1006);
    mock.timers.tick(retryDelayMs(0, 1));
    FakeSocket.all[1]!.end(1006);
    assert.deepEqual(opened, [true, false]);
  } finally {
    mock.timers.reset();
  }
});

test('close is for good; connect starts again', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const { protoo, socket } = connected();
    const pending = assert.rejects(protoo.request('a'), ConnectionError);
    protoo.close();
    await pending;
    socket.end(1000);
    protoo.reset();
    mock.timers.tick(120_000);
    assert.equal(FakeSocket.all.length, 1);
    protoo.connect();
    assert.equal(FakeSocket.all.length, 2);
  } finally {
    mock.timers.reset();
  }
});

test('reset leaves the dead socket behind and does not wait', () => {
  const { protoo, socket } = connected();
  const heard: string[] = [];
  protoo.on('notification', (method) => heard.push(method));
  protoo.reset();
  assert.equal(FakeSocket.all.length, 2);
  socket.say({ kind: 'notification', method: 'ghost', data: {} });
  socket.end(1006);
  assert.equal(FakeSocket.all.length, 2);
  FakeSocket.all[1]!.open();
  FakeSocket.all[1]!.say({ kind: 'notification', method: 'alive', data: {} });
  assert.deepEqual(heard, ['alive']);
  protoo.close();
});

test('pauses grow, stay bounded and spread', () => {
  for (let n = 0; n < 20; n++) {
    const low = retryDelayMs(n, 0);
    const high = retryDelayMs(n, 0.999);
    assert.ok(low < high && high <= 10_000 && low >= 300);
    assert.ok(retryDelayMs(n + 1, 0) >= low);
  }
});
