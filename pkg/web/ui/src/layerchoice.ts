// Which layers are asked for: by hand where a person chose, otherwise as large as the tile needs, so that small tiles cost little.

import { spatialLayerFor, type Layers } from './layers.ts';
import type { Peers, RemoteMedia } from './peers.ts';

/** Undefined parts are chosen by the page. */
export interface Choice {
  spatial: number | undefined;
  temporal: number | undefined;
}

/** A resize must settle before the server is asked to switch: each switch costs the sender a key frame. */
export const settleMs = 400;

/** A new consumer is asked for sooner, so that it need not begin with a picture that is too large. */
export const firstMs = 60;

export class LayerChoice {
  private readonly choices = new Map<string, Choice>();
  private readonly heights = new Map<string, number>();
  private readonly asked = new Map<string, Layers>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** request asks the server; automatic is false where only people choose. */
  constructor(
    private readonly peers: Peers,
    private readonly request: (consumerId: string, layers: Layers) => Promise<void>,
    private readonly automatic: boolean,
  ) {}

  choice(peerId: string, source: 'camera' | 'screen'): Choice {
    return this.choices.get(`${peerId}/${source}`) ?? { spatial: undefined, temporal: undefined };
  }

  /** Chooses by hand; survives rejoins, because it is kept by peer and not by consumer. */
  async choose(peerId: string, source: 'camera' | 'screen', choice: Choice): Promise<void> {
    this.choices.set(`${peerId}/${source}`, choice);
    const media = this.peers.of(peerId, source);
    if (media) await this.ask(media);
  }

  /** Tells how many device pixels high a consumer's picture is shown. */
  shown(media: RemoteMedia, heightPx: number): void {
    const isNew = !this.heights.has(media.id);
    this.heights.set(media.id, heightPx);
    if (this.timer !== undefined && !isNew) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.settle(), isNew ? firstMs : settleMs);
  }

  /** The layers wanted now. */
  wanted(media: RemoteMedia): Layers {
    const choice = this.choice(media.peerId, media.source === 'screen' ? 'screen' : 'camera');
    const top = media.layers.spatial - 1;
    const height = this.heights.get(media.id);
    const fitting = this.automatic && height ? spatialLayerFor(height, media.layers.spatial) : top;
    return {
      spatialLayer: Math.min(top, choice.spatial ?? fitting),
      temporalLayer: Math.min(media.layers.temporal - 1, choice.temporal ?? media.layers.temporal - 1),
    };
  }

  private settle(): void {
    this.timer = undefined;
    for (const id of this.heights.keys()) {
      const media = this.peers.media(id);
      if (media) void this.ask(media).catch(() => undefined); // the connection is lost: a rejoin asks anew
      else this.forget(id);
    }
  }

  private forget(consumerId: string): void {
    this.heights.delete(consumerId);
    this.asked.delete(consumerId);
  }

  private async ask(media: RemoteMedia): Promise<void> {
    if (media.layers.spatial * media.layers.temporal <= 1) return;
    const wanted = this.wanted(media);
    // Consumers start with the highest layers: what was never asked is at the top.
    const before = this.asked.get(media.id) ?? { spatialLayer: media.layers.spatial - 1, temporalLayer: media.layers.temporal - 1 };
    if (before.spatialLayer === wanted.spatialLayer && before.temporalLayer === wanted.temporalLayer) return;
    this.asked.set(media.id, wanted);
    try {
      await this.request(media.id, wanted);
    } catch (error) {
      this.asked.set(media.id, before);
      throw error;
    }
  }
}
