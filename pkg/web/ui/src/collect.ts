// Gathers the figures of a whole session: one report per transport, whatever the number of tracks.

import type { RemoteMedia } from './peers.ts';
import { inbound, outbound, Rates, roundTripTime, type InboundStats, type OutboundStats, type Rate } from './stats.ts';
import type { RoomClient } from './roomclient.ts';
import type { Source } from './wire.ts';

export interface Received {
  media: RemoteMedia;
  stats: InboundStats;
  rate: Rate;
}

export interface Sent {
  source: Source;
  encodings: OutboundStats[];
  rates: Rate[];
}

export interface Figures {
  /** By consumer id. */
  received: Map<string, Received>;
  sent: Map<Source, Sent>;
  /** Seconds. */
  receiveRoundTrip: number | undefined;
  sendRoundTrip: number | undefined;
}

export class Collector {
  private readonly rates = new Rates();

  constructor(private readonly room: RoomClient) {}

  async collect(): Promise<Figures> {
    const figures: Figures = { received: new Map(), sent: new Map(), receiveRoundTrip: undefined, sendRoundTrip: undefined };
    const keys = new Set<string>();
    await Promise.all([this.collectReceived(figures, keys), this.collectSent(figures, keys)]);
    this.rates.forget(keys);
    return figures;
  }

  private async collectReceived(figures: Figures, keys: Set<string>): Promise<void> {
    const recv = this.room.session?.transport('recv');
    if (!recv || recv.closed) return;
    const report = await recv.getStats();
    const tracks = inbound(report);
    figures.receiveRoundTrip = roundTripTime(report);
    for (const peer of this.room.peers.all.values()) {
      for (const media of peer.media.values()) {
        const stats = tracks.get(media.consumer.track.id);
        if (!stats) continue;
        keys.add(media.id);
        const rate = this.rates.next(media.id, {
          bytes: stats.bytesReceived, received: stats.packetsReceived, lost: stats.packetsLost, timestamp: stats.timestamp,
        });
        figures.received.set(media.id, { media, stats, rate });
      }
    }
  }

  private async collectSent(figures: Figures, keys: Set<string>): Promise<void> {
    const send = this.room.session?.transport('send');
    if (!send || send.closed) return;
    figures.sendRoundTrip = roundTripTime(await send.getStats());
    for (const [source, producer] of this.room.publisher.producers) {
      if (producer.closed) continue;
      const encodings = outbound(await producer.getStats());
      const rates = encodings.map((encoding, i) => {
        const key = `${producer.id}/${encoding.rid ?? i}`;
        keys.add(key);
        return this.rates.next(key, { bytes: encoding.bytesSent, received: 0, lost: 0, timestamp: encoding.timestamp });
      });
      figures.sent.set(source, { source, encodings, rates });
    }
  }
}
