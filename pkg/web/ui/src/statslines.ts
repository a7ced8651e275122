// What the statistics overlay of a tile says: rows of a label and a figure.

import { bitrate, milliseconds, percent, resolution } from './format.ts';
import type { RemoteMedia } from './peers.ts';
import type { InboundStats, OutboundStats, Rate } from './stats.ts';

export type Row = [label: string, value: string];

/** Rows for a received tile, the most telling first, because small tiles cut the rest; video is undefined if only audio comes. */
export function receivedRows(
  video: { media: RemoteMedia; stats: InboundStats; rate: Rate } | undefined,
  audio: { stats: InboundStats; rate: Rate } | undefined,
  roundTrip: number | undefined,
): Row[] {
  const rows: Row[] = [];
  if (video) {
    const { media, stats, rate } = video;
    rows.push(['Video', joined(stats.codec, bitrate(rate.bitrate ?? NaN))]);
    rows.push(['Picture', joined(resolution(stats.frameWidth, stats.frameHeight), framesText(stats.framesPerSecond))]);
    if (media.layers.spatial * media.layers.temporal > 1) rows.push(['Layers', layersText(media)]);
  }
  const main = video ?? audio;
  if (main) rows.push(['Loss', percent(main.rate.loss ?? NaN)]);
  rows.push(['RTT', milliseconds(roundTrip)]);
  if (main) rows.push(['Jitter', milliseconds(main.stats.jitter)]);
  if (audio) rows.push(['Audio', joined(audio.stats.codec, bitrate(audio.rate.bitrate ?? NaN))]);
  if (video?.media.score) rows.push(['Score', `${video.media.score.score} of 10`]);
  return rows;
}

/** Rows for one's own tile: one per encoding. rates are in the order of encodings. */
export function sentRows(encodings: OutboundStats[], rates: Rate[], roundTrip: number | undefined, scores: number[]): Row[] {
  const rows: Row[] = encodings.map((encoding, i) => {
    const label = encoding.kind === 'audio' ? 'Audio' : encoding.rid ?? 'Video';
    const picture = encoding.frameHeight ? `${encoding.frameHeight}p` : undefined;
    const flow = encoding.active ? bitrate(rates[i]?.bitrate ?? NaN) : 'off';
    return [label, joined(picture, framesText(encoding.framesPerSecond), flow)];
  });
  const losses = encodings.map((encoding) => encoding.fractionLost).filter((loss) => loss !== undefined);
  rows.push(['Loss', losses.length > 0 ? percent(Math.max(...losses)) : '–']);
  rows.push(['RTT', milliseconds(roundTrip)]);
  if (scores.length > 0) rows.push(['Score', scores.join(' · ')]);
  const limited = encodings.find((encoding) => encoding.limitation && encoding.limitation !== 'none');
  if (limited) rows.push(['Limited by', limited.limitation ?? '']);
  return rows;
}

function layersText(media: RemoteMedia): string {
  const { current, layers } = media;
  const now = current ? `S${current.spatialLayer} T${current.temporalLayer}` : 'none';
  return `${now} of ${layers.spatial} × ${layers.temporal}`;
}

function framesText(framesPerSecond: number | undefined): string | undefined {
  return framesPerSecond === undefined ? undefined : `${Math.round(framesPerSecond)} fps`;
}

function joined(...parts: (string | undefined)[]): string {
  return parts.filter(Boolean).join(' · ');
}
