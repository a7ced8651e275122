// The server's notifications, applied to the peers. Unknown ones are logged and otherwise ignored, so that servers may grow.

import { Emitter } from './events.ts';
import type { Layers } from './layers.ts';
import type { Peers } from './peers.ts';
import type { ConsumerScore, PeerInfo } from './wire.ts';

interface Events {
  /** Who speaks now, with the volume in dBov (-127 … 0); nobody if peerId is null. */
  activeSpeaker: [peerId: string | null, volume: number | undefined];
  /** The server's estimate of the way down to us, bit/s. */
  downlink: [availableBitrate: number];
  /** How well the server receives a producer of ours: one score of 0–10 per encoding. */
  producerScore: [producerId: string, scores: number[]];
  version: [string];
  /** New credentials of the servers that relay media. */
  iceServers: [RTCIceServer[]];
  /** The server closed a producer of ours. */
  producerClosed: [producerId: string];
}

/** News about consumers that may not be made yet. */
export interface Makings {
  consumerClosed: (consumerId: string) => void;
  consumerPaused: (consumerId: string, paused: boolean) => void;
}

type Body = Record<string, unknown>;

export class Notices extends Emitter<Events> {
  private readonly handlers: Record<string, (body: Body) => void>;

  constructor(private readonly peers: Peers, private readonly makings: Makings) {
    super();
    this.handlers = {
      newPeer: (body) => this.peers.add(body as unknown as PeerInfo),
      peerClosed: (body) => this.peers.remove(String(body.peerId)),
      peerDisplayNameChanged: (body) => this.peers.rename(String(body.peerId), String(body.displayName ?? '')),
      consumerClosed: (body) => this.closed(String(body.consumerId)),
      consumerPaused: (body) => this.paused(String(body.consumerId), true),
      consumerResumed: (body) => this.paused(String(body.consumerId), false),
      consumerLayersChanged: (body) => this.peers.setLayers(String(body.consumerId), layersOf(body)),
      consumerScore: (body) => this.peers.setScore(String(body.consumerId), body.score as ConsumerScore),
      producerScore: (body) => this.emit('producerScore', String(body.producerId), scoresOf(body.score)),
      producerClosed: (body) => this.emit('producerClosed', String(body.producerId)),
      activeSpeaker: (body) => this.emit('activeSpeaker', typeof body.peerId === 'string' ? body.peerId : null, body.volume as number),
      downlinkBwe: (body) => this.emit('downlink', Number(body.availableBitrate ?? 0)),
      iceServersRefreshed: (body) => this.emit('iceServers', Array.isArray(body.iceServers) ? body.iceServers as RTCIceServer[] : []),
      'mediasoup-version': (body) => this.emit('version', String(body.version ?? '')),
      // Who made the token renews it: renewToken is a request of window.gazpacho.
      tokenExpires: () => undefined,
      // Data consumers end with their channel, which the chat notices by itself.
      dataConsumerClosed: () => undefined,
    };
  }

  receive(method: string, data: unknown): void {
    const handler = Object.hasOwn(this.handlers, method) ? this.handlers[method] : undefined;
    if (handler) handler((data ?? {}) as Body);
    else console.debug('unknown notification', method, data);
  }

  private closed(consumerId: string): void {
    this.makings.consumerClosed(consumerId);
    this.peers.closeMedia(consumerId);
  }

  private paused(consumerId: string, paused: boolean): void {
    this.makings.consumerPaused(consumerId, paused);
    this.peers.setPaused(consumerId, paused);
  }
}

/** The layers in a consumerLayersChanged; none while nothing is sent. */
function layersOf(body: Body): Layers | undefined {
  if (typeof body.spatialLayer !== 'number') return undefined;
  return { spatialLayer: body.spatialLayer, temporalLayer: Number(body.temporalLayer ?? 0) };
}

function scoresOf(score: unknown): number[] {
  return Array.isArray(score) ? score.map((entry: { score?: number }) => Number(entry?.score ?? 0)) : [];
}
