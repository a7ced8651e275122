// Shows figures over the tiles while they are wanted, once a second.

import { Collector, type Figures } from './collect.ts';
import { bitrate } from './format.ts';
import type { RoomClient } from './roomclient.ts';
import { receivedRows, sentRows, type Row } from './statslines.ts';
import type { Stage } from './stage.ts';
import type { Tile } from './tile.ts';

const periodMs = 1_000;

export class StatsView {
  private readonly collector: Collector;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly scores = new Map<string, number[]>();
  private downlink = 0;
  shown = false;

  constructor(private readonly room: RoomClient, private readonly stage: Stage) {
    this.collector = new Collector(room);
    room.notices.on('producerScore', (producerId, scores) => this.scores.set(producerId, scores));
    room.notices.on('downlink', (available) => { this.downlink = available; });
  }

  toggle(show: boolean): void {
    this.shown = show;
    clearTimeout(this.timer);
    if (show) void this.refresh();
    else for (const tile of this.stage.all()) tile.setStats(undefined);
  }

  private async refresh(): Promise<void> {
    try {
      const figures = await this.collector.collect();
      if (!this.shown) return;
      for (const tile of this.stage.all()) tile.setStats(this.rows(tile, figures));
    } catch {
      // A transport closed meanwhile: the next round sees the new one.
    }
    if (this.shown) this.timer = setTimeout(() => void this.refresh(), periodMs);
  }

  private rows(tile: Tile, figures: Figures): Row[] {
    const { peerId, source, self } = tile.options;
    if (self) return this.ownRows(source, figures);
    const received = [...figures.received.values()].filter(({ media }) => media.peerId === peerId && !media.paused);
    const video = received.find(({ media }) => media.source === source);
    const audio = source === 'camera' ? received.find(({ media }) => media.source === 'mic') : undefined;
    return receivedRows(video, audio, figures.receiveRoundTrip);
  }

  private ownRows(source: 'camera' | 'screen', figures: Figures): Row[] {
    const sent = [figures.sent.get(source), source === 'camera' ? figures.sent.get('mic') : undefined].filter((each) => each !== undefined);
    const producer = this.room.publisher.producers.get(source);
    const rows = sentRows(sent.flatMap((each) => each.encodings), sent.flatMap((each) => each.rates), figures.sendRoundTrip,
      this.scores.get(producer?.id ?? '') ?? []);
    if (this.downlink > 0) rows.push(['Downlink', bitrate(this.downlink)]);
    return rows;
  }
}
