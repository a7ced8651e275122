// Figures of the media that flows, from the browser's own statistics (W3C webrtc-stats).

/** What is known of one received track. Counters grow from the track's start; absent what the browser does not tell. */
export interface InboundStats {
  kind: string;
  bytesReceived: number;
  packetsReceived: number;
  packetsLost: number;
  /** Seconds. */
  jitter: number | undefined;
  framesDecoded: number | undefined;
  framesReceived: number | undefined;
  framesPerSecond: number | undefined;
  frameWidth: number | undefined;
  frameHeight: number | undefined;
  keyFramesDecoded: number | undefined;
  freezeCount: number | undefined;
  nackCount: number | undefined;
  pliCount: number | undefined;
  totalSamplesReceived: number | undefined;
  concealedSamples: number | undefined;
  totalAudioEnergy: number | undefined;
  audioLevel: number | undefined;
  /** "VP8", "opus". */
  codec: string | undefined;
  /** Milliseconds, of the report. */
  timestamp: number;
}

/** One encoding that is sent. */
export interface OutboundStats {
  kind: string;
  rid: string | undefined;
  active: boolean;
  bytesSent: number;
  framesPerSecond: number | undefined;
  frameWidth: number | undefined;
  frameHeight: number | undefined;
  scalabilityMode: string | undefined;
  /** "none", "cpu", "bandwidth" or "other". */
  limitation: string | undefined;
  /** Share of packets the server reported lost in its last report. */
  fractionLost: number | undefined;
  codec: string | undefined;
  timestamp: number;
}

/** The parts of RTCStatsReport that are used, so that tests can hand in a Map. */
export type Report = { forEach(fn: (value: Record<string, unknown>) => void): void };

type Entry = Record<string, unknown>;

function entries(report: Report): Map<string, Entry> {
  const all = new Map<string, Entry>();
  report.forEach((value) => all.set(String(value.id), value));
  return all;
}

const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function codecName(all: Map<string, Entry>, entry: Entry): string | undefined {
  const codec = all.get(String(entry.codecId));
  return text(codec?.mimeType)?.split('/')[1];
}

/** The received tracks of a report, by track id. */
export function inbound(report: Report): Map<string, InboundStats> {
  const all = entries(report);
  const result = new Map<string, InboundStats>();
  for (const entry of all.values()) {
    const track = text(entry.trackIdentifier);
    if (entry.type !== 'inbound-rtp' || track === undefined) continue;
    result.set(track, {
      kind: String(entry.kind),
      bytesReceived: number(entry.bytesReceived) ?? 0,
      packetsReceived: number(entry.packetsReceived) ?? 0,
      packetsLost: number(entry.packetsLost) ?? 0,
      jitter: number(entry.jitter),
      framesDecoded: number(entry.framesDecoded),
      framesReceived: number(entry.framesReceived),
      framesPerSecond: number(entry.framesPerSecond),
      frameWidth: number(entry.frameWidth),
      frameHeight: number(entry.frameHeight),
      keyFramesDecoded: number(entry.keyFramesDecoded),
      freezeCount: number(entry.freezeCount),
      nackCount: number(entry.nackCount),
      pliCount: number(entry.pliCount),
      totalSamplesReceived: number(entry.totalSamplesReceived),
      concealedSamples: number(entry.concealedSamples),
      totalAudioEnergy: number(entry.totalAudioEnergy),
      audioLevel: number(entry.audioLevel),
      codec: codecName(all, entry),
      timestamp: number(entry.timestamp) ?? 0,
    });
  }
  return result;
}

/** The encodings a sender's report tells of, smallest picture first. */
export function outbound(report: Report): OutboundStats[] {
  const all = entries(report);
  const result: OutboundStats[] = [];
  for (const entry of all.values()) {
    if (entry.type !== 'outbound-rtp') continue;
    const remote = all.get(String(entry.remoteId));
    result.push({
      kind: String(entry.kind),
      rid: text(entry.rid),
      active: entry.active !== false,
      bytesSent: number(entry.bytesSent) ?? 0,
      framesPerSecond: number(entry.framesPerSecond),
      frameWidth: number(entry.frameWidth),
      frameHeight: number(entry.frameHeight),
      scalabilityMode: text(entry.scalabilityMode),
      limitation: text(entry.qualityLimitationReason),
      fractionLost: number(remote?.fractionLost),
      codec: codecName(all, entry),
      timestamp: number(entry.timestamp) ?? 0,
    });
  }
  return result.sort((a, b) => (a.rid ?? '').localeCompare(b.rid ?? ''));
}

/** Round-trip time of the path in use, in seconds, from the ICE checks the browser makes. */
export function roundTripTime(report: Report): number | undefined {
  const all = entries(report);
  let pair: Entry | undefined;
  for (const entry of all.values()) {
    if (entry.type === 'transport') pair = all.get(String(entry.selectedCandidatePairId)) ?? pair;
    else if (entry.type === 'candidate-pair' && entry.nominated === true && entry.state === 'succeeded') pair ??= entry;
  }
  return number(pair?.currentRoundTripTime);
}

interface Sample {
  bytes: number;
  received: number;
  lost: number;
  timestamp: number;
}

export interface Rate {
  /** Bit/s since the last sample; undefined on the first one. */
  bitrate: number | undefined;
  /** Lost share of the packets expected since the last sample, in [0,1]. */
  loss: number | undefined;
}

/** Turns growing counters into rates: remembers the last sample of each key. */
export class Rates {
  private readonly last = new Map<string, Sample>();

  next(key: string, sample: Sample): Rate {
    const before = this.last.get(key);
    this.last.set(key, sample);
    const elapsed = before ? sample.timestamp - before.timestamp : 0;
    // Counters that went back are those of a new track under an old key.
    if (!before || elapsed <= 0 || sample.bytes < before.bytes) return { bitrate: undefined, loss: undefined };
    const received = sample.received - before.received;
    const lost = Math.max(0, sample.lost - before.lost); // late packets make the count shrink
    return {
      bitrate: ((sample.bytes - before.bytes) * 8000) / elapsed,
      loss: received + lost > 0 ? lost / (received + lost) : 0,
    };
  }

  forget(keep: Set<string>): void {
    for (const key of this.last.keys()) if (!keep.has(key)) this.last.delete(key);
  }
}
