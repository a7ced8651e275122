// What this visitor sends: turning sources on and off, and offering them again to each new session.

import type { Producer } from 'mediasoup-client/types';
import { Emitter } from './events.ts';
import type { LocalMedia } from './media.ts';
import { ConnectionError, RequestError, type Protoo } from './protoo.ts';
import type { Session } from './session.ts';
import { sources, type Source } from './wire.ts';

interface Events {
  /** A source went on or off. */
  change: [Source];
  /** The source cannot be sent. */
  failed: [Source, Error];
  /** The server ended it. */
  stopped: [Source];
  /** What may be sent has changed. */
  allowed: [];
}

export class Publisher extends Emitter<Events> {
  readonly producers = new Map<Source, Producer>();
  private readonly wanted = new Set<Source>();
  private kinds: { audio: boolean; video: boolean } = { audio: true, video: true };
  private session: Session | undefined;
  /** One change at a time per source, so that quick clicks end in the state of the last one. */
  private readonly chains = new Map<Source, Promise<void>>();

  constructor(private readonly local: LocalMedia, private readonly protoo: Protoo) {
    super();
    local.on('ended', (source) => { this.set(source, false).catch((error: unknown) => console.warn('switching off', source, error)); });
  }

  isOn(source: Source): boolean {
    return this.wanted.has(source);
  }

  /** Whether this visitor may send a source. */
  mayPublish(source: Source): boolean {
    return source === 'mic' ? this.kinds.audio : this.kinds.video;
  }

  /** Says what may be sent. What may not is switched off: nobody should look into a camera that nobody sees. */
  async allow(kinds: { audio: boolean; video: boolean }): Promise<void> {
    this.kinds = kinds;
    this.emit('allowed');
    await Promise.all(sources.filter((source) => !this.mayPublish(source)).map(async (source) => {
      await this.set(source, false);
      this.local.release(source);
    }));
  }

  /** The server closed a producer of ours. */
  stoppedByServer(producerId: string): void {
    const source = sources.find((each) => this.producers.get(each)?.id === producerId);
    if (!source) return;
    this.producers.get(source)?.close();
    this.producers.delete(source);
    this.wanted.delete(source);
    this.local.release(source);
    this.emit('change', source);
    this.emit('stopped', source);
  }

  /** Turns a source on or off. On rejects with the capture's error if there is no device or no permission. */
  set(source: Source, on: boolean): Promise<void> {
    return this.enqueue(source, () => (on ? this.turnOn(source) : this.turnOff(source)));
  }

  /** Sends the newly chosen device's track in place of the old one. */
  choose(source: 'mic' | 'camera', deviceId: string): Promise<void> {
    return this.enqueue(source, async () => {
      const track = await this.local.choose(source, deviceId);
      if (!this.wanted.has(source)) {
        // A muted microphone stays muted; the camera was only opened to try it.
        if (source === 'camera') this.local.release(source);
        return;
      }
      await this.producers.get(source)?.replaceTrack({ track });
      this.emit('change', source);
    });
  }

  /** A new session: everything that is on is offered to it. Failures of one source do not stop the others. */
  async attach(session: Session): Promise<void> {
    this.detach();
    this.session = session;
    await Promise.all(sources.map((source) => this.enqueue(source, async () => {
      if (this.session === session && this.wanted.has(source)) await this.send(source);
    })));
  }

  /** The session is over. What was on stays on for the next one. */
  detach(): void {
    this.session = undefined;
    this.producers.clear();
  }

  /** Leaves the room: everything off, all devices released. */
  stop(): void {
    this.detach();
    for (const source of sources) {
      this.wanted.delete(source);
      this.local.release(source);
      this.emit('change', source);
    }
  }

  private enqueue(source: Source, work: () => Promise<void>): Promise<void> {
    const run = (this.chains.get(source) ?? Promise.resolve()).then(work);
    this.chains.set(source, run.catch(() => undefined));
    return run;
  }

  private async turnOn(source: Source): Promise<void> {
    if (!this.mayPublish(source)) return;
    const track = await this.local.open(source);
    track.enabled = true; // muting disabled it, and a producer made of a disabled track would start paused
    this.wanted.add(source);
    this.emit('change', source);
    await this.send(source);
  }

  private async turnOff(source: Source): Promise<void> {
    const was = this.wanted.delete(source);
    const producer = this.producers.get(source);
    if (source === 'screen') {
      this.producers.delete(source);
      producer?.close();
    } else {
      producer?.pause();
    }
    if (source === 'camera' && producer && !producer.closed) await producer.replaceTrack({ track: null });
    if (source !== 'mic') this.local.release(source); // a muted microphone stays open: unmuting must be instant
    if (was) this.emit('change', source);
    if (producer) await this.tell(source === 'screen' ? 'closeProducer' : 'pauseProducer', producer);
  }

  /** Makes the server's side match: a new producer, or the paused one with the track of now. */
  private async send(source: Source): Promise<void> {
    const session = this.session;
    const track = this.local.track(source);
    if (!session || !track || !this.mayPublish(source)) return;
    const known = this.producers.get(source);
    if (known && !known.closed) {
      if (known.track !== track) await known.replaceTrack({ track });
      known.resume();
      await this.tell('resumeProducer', known);
      return;
    }
    try {
      const producer = await session.produce(source, track);
      if (this.session !== session) return;
      this.producers.set(source, producer);
    } catch (error) {
      if (this.session !== session || error instanceof ConnectionError) return; // the next session tries again
      this.wanted.delete(source);
      this.local.release(source);
      this.emit('change', source);
      this.emit('failed', source, error as Error);
    }
  }

  /** Tells the server of a change of a producer. Lost connections do not matter: a rejoin offers everything anew. */
  private async tell(method: string, producer: Producer): Promise<void> {
    try {
      await this.protoo.request(method, { producerId: producer.id });
    } catch (error) {
      if (error instanceof RequestError) console.warn(error.message);
    }
  }
}
