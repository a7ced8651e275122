// Who speaks: the server's word if it gives one, otherwise the levels of what is heard here.

/** Audio above this level (0 … 1, as in webrtc-stats) counts as speech. */
const speechLevel = 0.02;

/** A speaker keeps the frame this long after falling silent, so that it does not flicker between words. */
export const holdMs = 1_200;

export class Speakers {
  private serverSpeaks = false;
  private readonly until = new Map<string, number>();

  /** The server named the active speaker, or nobody. From now on its word alone counts. nowMs is any steady clock. */
  serverSays(peerId: string | null, nowMs: number): void {
    if (!this.serverSpeaks) this.until.clear();
    this.serverSpeaks = true;
    for (const [id, until] of this.until) if (until === Infinity) this.until.set(id, nowMs + holdMs);
    if (peerId === null) return;
    this.until.clear(); // one frame at a time: the next speaker takes it over at once
    this.until.set(peerId, Infinity);
  }

  /** Levels measured here, by peer. */
  heard(levels: Iterable<[peerId: string, level: number]>, nowMs: number): void {
    if (this.serverSpeaks) return;
    for (const [id, level] of levels) if (level >= speechLevel) this.until.set(id, nowMs + holdMs);
  }

  /** Who has the frame now. */
  current(nowMs: number): Set<string> {
    for (const [id, until] of this.until) if (until < nowMs) this.until.delete(id);
    return new Set(this.until.keys());
  }

  /** A new session may be with another server. */
  reset(): void {
    this.serverSpeaks = false;
    this.until.clear();
  }
}
