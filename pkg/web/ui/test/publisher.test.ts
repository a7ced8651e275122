import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Emitter } from '../src/events.ts';
import type { LocalMedia } from '../src/media.ts';
import type { Protoo } from '../src/protoo.ts';
import { ConnectionError } from '../src/protoo.ts';
import { Publisher } from '../src/publisher.ts';
import type { Session } from '../src/session.ts';
import type { Source } from '../src/wire.ts';

interface Track { id: string; enabled: boolean }

class Local extends Emitter<{ change: [Source]; ended: [Source] }> {
  tracks = new Map<Source, Track>();
  opened = 0;
  denied = false;
  track(source: Source): Track | undefined { return this.tracks.get(source); }
  async open(source: Source): Promise<Track> {
    await Promise.resolve();
    if (this.denied) throw new Error('denied');
    const known = this.tracks.get(source) ?? { id: `${source}-${++this.opened}`, enabled: true };
    this.tracks.set(source, known);
    return known;
  }
  choose(source: Source): Promise<Track> { this.tracks.delete(source); return this.open(source); }
  release(source: Source): void { this.tracks.delete(source); }
  unplug(source: Source): void { this.tracks.delete(source); this.emit('ended', source); }
}

class Producer {
  closed = false;
  paused = false;
  constructor(readonly id: string, public track: Track | null) {}
  pause(): void { this.paused = true; if (this.track) this.track.enabled = false; }
  resume(): void { this.paused = false; if (this.track) this.track.enabled = true; }
  close(): void { this.closed = true; }
  replaceTrack({ track }: { track: Track | null }): Promise<void> { this.track = track; return Promise.resolve(); }
}

function setup(produceError?: Error) {
  const local = new Local();
  const asked: string[] = [];
  const protoo = { request: (method: string, data: { producerId: string }) => { asked.push(`${method} ${data.producerId}`); return Promise.resolve(); } };
  let made = 0;
  const session = {
    produce: (source: Source, track: Track) => (produceError ? Promise.reject(produceError) : Promise.resolve(new Producer(`${source}${++made}`, track))),
  } as unknown as Session;
  const publisher = new Publisher(local as unknown as LocalMedia, protoo as unknown as Protoo);
  const producer = (source: Source): Producer => publisher.producers.get(source) as unknown as Producer;
  return { local, asked, session, publisher, producer };
}

test('what is on before joining is sent when joined', async () => {
  const { publisher, session, producer } = setup();
  await publisher.set('mic', true);
  await publisher.attach(session);
  assert.deepEqual([...publisher.producers.keys()], ['mic']);
  assert.equal(producer('mic').track?.enabled, true);
});

test('muting pauses both sides; a muted microphone stays open, a stopped camera does not', async () => {
  const { publisher, session, producer, asked, local } = setup();
  await publisher.attach(session);
  await publisher.set('mic', true);
  await publisher.set('camera', true);
  await publisher.set('mic', false);
  await publisher.set('camera', false);
  assert.deepEqual(asked, ['pauseProducer mic1', 'pauseProducer camera2']);
  assert.ok(local.tracks.has('mic') && !local.tracks.has('camera'));
  assert.equal(producer('camera').track, null);
  await publisher.set('camera', true);
  await publisher.set('mic', true);
  assert.deepEqual(asked.slice(2), ['resumeProducer camera2', 'resumeProducer mic1']);
  assert.equal(producer('camera').track?.id, 'camera-3');
  assert.equal(producer('camera').paused || producer('mic').paused, false);
});

test('quick clicks end in the state of the last one', async () => {
  const { publisher, session, producer } = setup();
  await publisher.attach(session);
  await Promise.all([true, false, true, false].map((on) => publisher.set('camera', on)));
  assert.equal(publisher.isOn('camera'), false);
  assert.equal(producer('camera').paused, true);
});

test('a screen is a new producer each time', async () => {
  const { publisher, session, asked, producer } = setup();
  await publisher.attach(session);
  await publisher.set('screen', true);
  const first = producer('screen');
  await publisher.set('screen', false);
  assert.ok(first.closed && !publisher.producers.has('screen'));
  assert.deepEqual(asked, ['closeProducer screen1']);
  await publisher.set('screen', true);
  assert.equal(producer('screen').id, 'screen2');
});

test('a rejoin offers what is on, with tracks that sound', async () => {
  const { publisher, session, producer } = setup();
  await publisher.attach(session);
  await publisher.set('mic', true);
  await publisher.set('camera', true);
  await publisher.set('mic', false);
  publisher.detach();
  await publisher.attach(session);
  assert.deepEqual([...publisher.producers.keys()], ['camera']);
  await publisher.set('mic', true);
  assert.equal(producer('mic').track?.enabled, true); // muting had disabled it
});

test('a refused device leaves the source off and tells the caller', async () => {
  const { publisher, session, local } = setup();
  await publisher.attach(session);
  local.denied = true;
  await assert.rejects(publisher.set('camera', true), /denied/);
  assert.equal(publisher.isOn('camera'), false);
  local.denied = false;
  await publisher.set('camera', true); // and the next try works
  assert.equal(publisher.isOn('camera'), true);
});

test('a refused producer switches off and says so; a lost connection does not', async () => {
  const refused = setup(new Error('no codec'));
  const failures: string[] = [];
  refused.publisher.on('failed', (source, error) => failures.push(`${source} ${error.message}`));
  await refused.publisher.attach(refused.session);
  await refused.publisher.set('camera', true);
  assert.deepEqual(failures, ['camera no codec']);
  assert.equal(refused.publisher.isOn('camera'), false);
  const lost = setup(new ConnectionError('gone'));
  await lost.publisher.attach(lost.session);
  await lost.publisher.set('camera', true);
  assert.equal(lost.publisher.isOn('camera'), true);
});

test('an unplugged device goes off', async () => {
  const { publisher, session, local, asked } = setup();
  await publisher.attach(session);
  await publisher.set('mic', true);
  local.unplug('mic');
  await publisher.set('camera', true); // waits for nothing of the microphone
  await publisher.set('mic', false);
  assert.equal(publisher.isOn('mic'), false);
  assert.ok(asked.includes('pauseProducer mic1'));
});

test('another device replaces the track, or waits muted', async () => {
  const { publisher, session, producer, local } = setup();
  await publisher.attach(session);
  await publisher.set('camera', true);
  const before = producer('camera').track?.id;
  await publisher.choose('camera', 'other');
  assert.notEqual(producer('camera').track?.id, before);
  await publisher.set('camera', false);
  await publisher.choose('camera', 'third');
  assert.ok(!local.tracks.has('camera'));
  assert.equal(producer('camera').track, null);
});

test('stop releases everything', async () => {
  const { publisher, session, local } = setup();
  await publisher.attach(session);
  for (const source of ['mic', 'camera', 'screen'] as const) await publisher.set(source, true);
  publisher.stop();
  assert.equal(local.tracks.size, 0);
  assert.equal(publisher.producers.size, 0);
  assert.ok(!publisher.isOn('mic'));
});

test('what may not be sent is switched off, and stays unsent', async () => {
  const { publisher, session, local } = setup();
  await publisher.set('mic', true);
  const opening = publisher.set('camera', true); // is not on yet when the news comes
  let told = 0;
  publisher.on('allowed', () => told++);
  await publisher.allow({ audio: true, video: false });
  await opening;
  assert.equal(told, 1);
  assert.ok(publisher.isOn('mic') && !publisher.isOn('camera') && !local.tracks.has('camera'));
  assert.deepEqual((['mic', 'camera', 'screen'] as const).map((source) => publisher.mayPublish(source)), [true, false, false]);
  await publisher.attach(session);
  await publisher.set('screen', true);
  assert.deepEqual([...publisher.producers.keys()], ['mic']);
  assert.ok(!local.tracks.has('screen'));
});

test('what the server closed goes off and is not offered again', async () => {
  const { publisher, session, local, producer } = setup();
  await publisher.attach(session);
  await publisher.set('camera', true);
  const camera = producer('camera');
  const stopped: Source[] = [];
  publisher.on('stopped', (source) => stopped.push(source));
  publisher.stoppedByServer('unknown');
  publisher.stoppedByServer(camera.id);
  assert.deepEqual(stopped, ['camera']);
  assert.ok(camera.closed && !publisher.isOn('camera') && !local.tracks.has('camera'));
  await publisher.attach(session);
  assert.equal(publisher.producers.size, 0);
});
