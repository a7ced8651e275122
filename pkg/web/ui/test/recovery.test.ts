import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { graceMs, maxRestarts, Recovery, retryMs } from '../src/recovery.ts';

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
afterEach(() => mock.timers.reset());

const flush = async (): Promise<void> => { for (let i = 0; i < 10; i++) await Promise.resolve(); };

function watched(restart: () => Promise<void> = () => Promise.resolve()) {
  const log: string[] = [];
  const recovery = new Recovery({
    restart: () => { log.push('restart'); return restart(); },
    giveUp: () => log.push('give up'),
    troubled: (troubled) => log.push(troubled ? 'down' : 'up'),
  });
  recovery.observe('connecting');
  recovery.observe('connected');
  return { recovery, log };
}

test('a short loss heals without a restart', () => {
  const { recovery, log } = watched();
  recovery.observe('disconnected');
  mock.timers.tick(graceMs - 1);
  recovery.observe('connected');
  mock.timers.tick(60_000);
  assert.deepEqual(log, ['down', 'up']);
});

test('a longer one restarts ICE until it is back', async () => {
  const { recovery, log } = watched();
  recovery.observe('disconnected');
  mock.timers.tick(graceMs);
  await flush();
  mock.timers.tick(retryMs);
  await flush();
  recovery.observe('connecting');
  recovery.observe('connected');
  mock.timers.tick(60_000);
  assert.deepEqual(log, ['down', 'restart', 'restart', 'up']);
});

test('failed does not wait', async () => {
  const { recovery, log } = watched();
  recovery.observe('failed');
  mock.timers.tick(0);
  await flush();
  assert.deepEqual(log, ['down', 'restart']);
});

test('states between do not delay a try that is due', async () => {
  const { recovery, log } = watched();
  recovery.observe('disconnected');
  mock.timers.tick(graceMs - 100);
  recovery.observe('disconnected');
  mock.timers.tick(100);
  await flush();
  assert.deepEqual(log, ['down', 'restart']);
});

test('it gives up once, after enough tries', async () => {
  const { recovery, log } = watched();
  recovery.observe('failed');
  for (let i = 0; i <= maxRestarts + 3; i++) {
    mock.timers.tick(retryMs);
    await flush();
    recovery.observe('failed');
  }
  assert.equal(log.filter((entry) => entry === 'restart').length, maxRestarts);
  assert.equal(log.filter((entry) => entry === 'give up').length, 1);
});

test('success starts the count anew', async () => {
  const { recovery, log } = watched();
  for (let round = 0; round < 3; round++) {
    recovery.observe('failed');
    for (let i = 0; i < maxRestarts; i++) {
      mock.timers.tick(i === 0 ? 0 : retryMs);
      await flush();
    }
    recovery.observe('connected');
  }
  assert.ok(!log.includes('give up'));
});

test('a refused restart gives up at once', async () => {
  const { recovery, log } = watched(() => Promise.reject(new Error('no such transport')));
  recovery.observe('failed');
  mock.timers.tick(0);
  await flush();
  mock.timers.tick(60_000);
  await flush();
  assert.deepEqual(log, ['down', 'restart', 'give up']);
});

test('a closed transport cannot be restarted', () => {
  const { recovery, log } = watched();
  recovery.observe('closed');
  assert.deepEqual(log, ['give up']);
});

test('a changed network restarts before ICE notices', async () => {
  const { recovery, log } = watched();
  recovery.kick();
  mock.timers.tick(0);
  await flush();
  recovery.observe('connected');
  assert.deepEqual(log, ['down', 'restart', 'up']);
});

test('stopped is silent', async () => {
  const { recovery, log } = watched();
  recovery.observe('disconnected');
  recovery.stop();
  recovery.observe('failed');
  recovery.kick();
  mock.timers.tick(60_000);
  await flush();
  assert.deepEqual(log, ['down']);
});
