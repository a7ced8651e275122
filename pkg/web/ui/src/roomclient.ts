// The room as the page sees it: joining, staying joined through losses, peers and their media, sending one's own. No DOM.

import type { Consumer } from 'mediasoup-client/types';
import { askAccess, everything, type Access } from './access.ts';
import { ChatChannel } from './chatchannel.ts';
import { Emitter } from './events.ts';
import type { Layers } from './layers.ts';
import type { LocalMedia } from './media.ts';
import { Notices } from './notices.ts';
import { signalingUrl, type Params } from './params.ts';
import { Peers } from './peers.ts';
import { ConnectionError, Protoo, RequestError } from './protoo.ts';
import { Publisher } from './publisher.ts';
import { Session } from './session.ts';
import { sourceOf, type ConsumerInfo, type DataConsumerInfo } from './wire.ts';

/** Where the visitor stands. "reconnecting": was joined, and will be again without doing anything. */
export type RoomState = 'idle' | 'joining' | 'joined' | 'reconnecting';

/** Rejoins the server refused in a row before the page gives up. */
const maxRefusals = 5;

/** The longest pause between rejoins that are needed because media does not get through. */
const maxMediaRetryMs = 30_000;

interface Events {
  state: [RoomState];
  /** The server cannot be reached while joining; tries go on. */
  unreachable: [];
  /** Media does not flow though the server is reached; it is being repaired. */
  troubled: [boolean];
  /** Out of the room against the visitor's will, with the reason if there is one. */
  ended: [Error | undefined];
}

export class RoomClient extends Emitter<Events> {
  readonly peers = new Peers();
  readonly publisher: Publisher;
  readonly chat = new ChatChannel();
  readonly notices: Notices;
  readonly protoo: Protoo;
  session: Session | undefined;
  state: RoomState = 'idle';

  /** What the server allows; asked while the connection is made. */
  private access: Promise<Access> = Promise.resolve(everything);
  private displayName = '';
  private refusals = 0;
  private mediaFailures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private settle: { resolve: () => void; reject: (error: Error) => void } | undefined;
  /** Consumers being made, and what became of them meanwhile. */
  private readonly early = new Map<string, { closed: boolean; paused: boolean }>();

  constructor(readonly params: Params, private readonly local: LocalMedia, private readonly address: URL) {
    super();
    this.protoo = new Protoo(() => signalingUrl(address, params.roomId, params.peerId, params.token), (method, data) => this.answer(method, data));
    this.publisher = new Publisher(this.local, this.protoo);
    this.notices = new Notices(this.peers, {
      consumerClosed: (id) => this.whileMaking(id, (fate) => { fate.closed = true; }),
      consumerPaused: (id, paused) => this.whileMaking(id, (fate) => { fate.paused = paused; }),
    });
    this.protoo.on('open', () => void this.enter());
    this.protoo.on('close', (how) => void this.lost(how));
    this.notices.on('producerClosed', (id) => this.publisher.stoppedByServer(id));
    this.notices.on('iceServers', (servers) => void this.session?.updateIceServers(servers));
    this.protoo.on('notification', (method, data) => this.notices.receive(method, data));
  }

  /** Joins; resolves once in the room, rejects when the server refuses. Tries on while it cannot be reached, until leave(). */
  join(displayName: string): Promise<void> {
    if (this.state !== 'idle') return Promise.reject(new Error('already joined'));
    this.displayName = displayName;
    this.refusals = this.mediaFailures = 0;
    this.become('joining');
    this.askAccess();
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
      this.protoo.connect();
    });
  }

  /** Leaves by the visitor's will. */
  leave(): void {
    this.end(undefined, false);
  }

  /** Restarts ICE on both transports. */
  async restartIce(): Promise<void> {
    await this.session?.restartIce();
  }

  /** The machine says its network changed: look after media and connection now instead of when time-outs fire. */
  networkChanged(): void {
    if (this.state === 'idle') return;
    if (this.protoo.connected) this.session?.kick();
    else this.protoo.connect();
  }

  /** Asks the server for layers of a consumer. Not remembered: that is the caller's matter. */
  async requestLayers(consumerId: string, layers: Layers): Promise<void> {
    await this.protoo.request('setConsumerPreferredLayers', { consumerId, ...layers });
  }

  async rename(displayName: string): Promise<void> {
    this.displayName = displayName;
    if (this.state === 'joined') await this.protoo.request('changeDisplayName', { displayName });
  }

  /** Goes on with a new token, which the server checks: for applications that embed the page. */
  async renewToken(token: string): Promise<void> {
    await this.protoo.request('renewToken', { token });
    this.params.token = token;
  }

  private askAccess(): void {
    this.access = askAccess(this.address, this.params.roomId, this.params.peerId, this.params.token);
    this.access.catch(() => undefined); // whoever awaits it hears of it
  }

  /** The socket opened: everything starts anew. */
  private async enter(): Promise<void> {
    clearTimeout(this.timer);
    this.dropSession();
    // A socket that opened proves that the token is good; what it allows is the question.
    const access = await this.access.catch(() => everything);
    if (!this.protoo.connected || this.session) return; // gone again, or two sockets opened while we waited
    const session = new Session(this.protoo, this.params, { send: access.audio || access.video || access.data, recv: access.subscribe });
    this.session = session;
    void this.publisher.allow(access);
    session.on('troubled', (troubled) => this.mediaTroubled(troubled));
    session.on('silent', () => this.protoo.reset());
    session.on('failed', () => this.mediaFailed());
    try {
      await session.open();
      const infos = await session.join(this.displayName);
      if (session !== this.session) return;
      this.peers.reset(infos);
    } catch (error) {
      if (session === this.session) this.refused(error as Error);
      return;
    }
    this.refusals = 0;
    this.become('joined');
    this.settle?.resolve();
    this.settle = undefined;
    await Promise.all([this.publisher.attach(session), this.chat.attach(session, access.data)]);
  }

  /** Entering failed. Without an answer the connection is made anew; a refusal ends the first join at once. */
  private refused(error: Error): void {
    if (error instanceof ConnectionError) {
      this.protoo.reset();
      return;
    }
    if (this.state === 'joining' || ++this.refusals >= maxRefusals) {
      this.end(error, true);
      return;
    }
    this.timer = setTimeout(() => this.protoo.reset(), 1000 * 2 ** this.refusals);
  }

  private async lost({ final, code, reason, opened }: { final: boolean; code: number; reason: string; opened: boolean }): Promise<void> {
    clearTimeout(this.timer);
    if (final) {
      this.end(new RequestError('join', code, reason), true);
      return;
    }
    if (!opened && await this.shutOut()) return;
    if (this.state === 'joined') this.become('reconnecting');
    else if (this.state === 'joining') this.emit('unreachable');
  }

  /** Finds out whether a socket did not open because the server lets us in no more; then everything ends. */
  private async shutOut(): Promise<boolean> {
    this.askAccess();
    try {
      await this.access;
      return false;
    } catch (error) {
      if (this.state !== 'idle') this.end(error as Error, true);
      return true;
    }
  }

  private mediaTroubled(troubled: boolean): void {
    if (!troubled) this.mediaFailures = 0;
    this.emit('troubled', troubled);
  }

  /** ICE restarts did not help: rejoin as a whole, with growing pauses, because a firewall does not open by asking often. */
  private mediaFailed(): void {
    const pause = this.mediaFailures === 0 ? 0 : Math.min(maxMediaRetryMs, 2000 * 2 ** this.mediaFailures);
    this.mediaFailures++;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.protoo.reset(), pause);
  }

  private end(error: Error | undefined, report: boolean): void {
    clearTimeout(this.timer);
    const settle = this.settle;
    this.settle = undefined;
    this.become('idle');
    this.protoo.close();
    this.dropSession();
    this.publisher.stop();
    this.peers.reset([]);
    if (settle) settle.reject(error ?? new ConnectionError('left'));
    else if (report) this.emit('ended', error);
  }

  private dropSession(): void {
    this.publisher.detach();
    this.chat.detach();
    this.session?.close();
    this.session = undefined;
    this.peers.dropMedia();
    this.emit('troubled', false);
  }

  private become(state: RoomState): void {
    if (this.state === state) return;
    this.state = state;
    this.emit('state', state);
  }

  /** Requests of the server. */
  private async answer(method: string, data: unknown): Promise<unknown> {
    if (method === 'newConsumer') return this.consume(data as ConsumerInfo);
    if (method === 'newDataConsumer') return this.consumeData(data as DataConsumerInfo);
    throw new RequestError(method, 404, `unknown method ${method}`);
  }

  private async consume(info: ConsumerInfo): Promise<void> {
    const session = this.session;
    if (!session) throw new RequestError('newConsumer', 403, 'not joined');
    const source = sourceOf(info.kind, info.appData ?? {});
    const fate = { closed: false, paused: info.producerPaused };
    this.early.set(info.id, fate);
    let consumer: Consumer;
    try {
      consumer = await session.consume(info, source);
    } finally {
      this.early.delete(info.id);
    }
    if (fate.closed || session !== this.session) {
      consumer.close();
      return;
    }
    if (fate.paused) consumer.pause();
    this.peers.addMedia(info, source, consumer, fate.paused);
  }

  private async consumeData(info: DataConsumerInfo): Promise<void> {
    const session = this.session;
    if (!session) throw new RequestError('newDataConsumer', 403, 'not joined');
    const consumer = await session.consumeData(info);
    if (info.label === 'chat') this.chat.receiveFrom(info.peerId, consumer);
  }

  private whileMaking(consumerId: string, change: (fate: { closed: boolean; paused: boolean }) => void): void {
    const fate = this.early.get(consumerId);
    if (fate) change(fate);
  }
}
