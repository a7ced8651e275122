// Who else is in the room and what arrives from them: plain state and its changes, without transport or DOM.

import type { Consumer } from 'mediasoup-client/types';
import { Emitter } from './events.ts';
import { layerCount, type Layers } from './layers.ts';
import type { ConsumerInfo, ConsumerScore, DeviceInfo, PeerInfo, Source } from './wire.ts';

/** One consumed source of one peer. */
export interface RemoteMedia {
  id: string;
  peerId: string;
  source: Source;
  kind: 'audio' | 'video';
  type: ConsumerInfo['type'];
  consumer: Consumer;
  /** The other side muted it. */
  paused: boolean;
  /** How many layers there are to choose from; 1 and 1 for what has none. */
  layers: { spatial: number; temporal: number };
  /** What the server sends now; undefined before the first packet or while nothing is sent. */
  current: Layers | undefined;
  score: ConsumerScore | undefined;
}

export interface Peer {
  id: string;
  displayName: string;
  device: DeviceInfo | undefined;
  media: Map<string, RemoteMedia>;
}

interface Events {
  joined: [Peer];
  left: [Peer];
  renamed: [Peer];
  /** A source of the peer appeared, went away, was paused or resumed. */
  media: [Peer, Source];
  /** Layers or score changed. */
  quality: [RemoteMedia];
}

export class Peers extends Emitter<Events> {
  readonly all = new Map<string, Peer>();
  private readonly byConsumer = new Map<string, RemoteMedia>();

  /** A peer entered, or tells its name after media came first. */
  add(info: PeerInfo): Peer {
    const known = this.all.get(info.id);
    if (known) {
      known.device = info.device;
      this.rename(info.id, info.displayName);
      return known;
    }
    const peer: Peer = { id: info.id, displayName: info.displayName, device: info.device, media: new Map() };
    this.all.set(info.id, peer);
    this.emit('joined', peer);
    return peer;
  }

  remove(peerId: string): void {
    const peer = this.all.get(peerId);
    if (!peer) return;
    this.all.delete(peerId);
    for (const media of peer.media.values()) this.byConsumer.delete(media.id);
    peer.media.clear();
    this.emit('left', peer);
  }

  rename(peerId: string, displayName: string): void {
    const peer = this.all.get(peerId);
    if (!peer || peer.displayName === displayName) return;
    peer.displayName = displayName;
    this.emit('renamed', peer);
  }

  /** After a join: exactly these peers are here. */
  reset(infos: PeerInfo[]): void {
    const present = new Set(infos.map((info) => info.id));
    for (const id of [...this.all.keys()]) if (!present.has(id)) this.remove(id);
    for (const info of infos) this.add(info);
  }

  /** Forgets all media but keeps the people: their tiles stay where they are while the page rejoins. */
  dropMedia(): void {
    for (const media of [...this.byConsumer.values()]) this.closeMedia(media.id);
  }

  addMedia(info: ConsumerInfo, source: Source, consumer: Consumer, paused: boolean): RemoteMedia {
    const peer = this.all.get(info.peerId) ?? this.add({ id: info.peerId, displayName: '', device: { flag: '', name: '', version: '' } });
    const layered = info.type === 'simulcast' || info.type === 'svc';
    const media: RemoteMedia = {
      id: info.id,
      peerId: info.peerId,
      source,
      kind: info.kind,
      type: info.type,
      consumer,
      paused,
      layers: layered ? layerCount(info.rtpParameters.encodings?.[0]?.scalabilityMode) : { spatial: 1, temporal: 1 },
      current: undefined,
      score: undefined,
    };
    peer.media.set(media.id, media);
    this.byConsumer.set(media.id, media);
    this.emit('media', peer, source);
    return media;
  }

  media(consumerId: string): RemoteMedia | undefined {
    return this.byConsumer.get(consumerId);
  }

  /** All media of one peer's source: at most one, but for a moment while it is replaced. */
  of(peerId: string, source: Source): RemoteMedia | undefined {
    const all = [...(this.all.get(peerId)?.media.values() ?? [])];
    return all.reverse().find((media) => media.source === source);
  }

  closeMedia(consumerId: string): void {
    const media = this.byConsumer.get(consumerId);
    if (!media) return;
    this.byConsumer.delete(consumerId);
    media.consumer.close();
    const peer = this.all.get(media.peerId);
    peer?.media.delete(consumerId);
    if (peer) this.emit('media', peer, media.source);
  }

  setPaused(consumerId: string, paused: boolean): void {
    const media = this.byConsumer.get(consumerId);
    if (!media || media.paused === paused) return;
    media.paused = paused;
    if (paused) media.consumer.pause();
    else media.consumer.resume();
    const peer = this.all.get(media.peerId);
    if (peer) this.emit('media', peer, media.source);
  }

  setLayers(consumerId: string, current: Layers | undefined): void {
    const media = this.byConsumer.get(consumerId);
    if (!media) return;
    media.current = current;
    this.emit('quality', media);
  }

  setScore(consumerId: string, score: ConsumerScore): void {
    const media = this.byConsumer.get(consumerId);
    if (!media) return;
    media.score = score;
    this.emit('quality', media);
  }
}
