// Keeps one transport's media alive: watches its connection state and restarts ICE when the path to the server is lost.

import type { ConnectionState } from 'mediasoup-client/types';

/** A short loss heals by itself: ICE is left alone for this long after "disconnected". */
export const graceMs = 1_500;

/** The pause before restart n+1 while the transport stays down. */
export const retryMs = 4_000;

/** After so many restarts in vain only a new transport can help. */
export const maxRestarts = 4;

export interface RecoveryHooks {
  /** Asks for an ICE restart; rejects if the server refuses it. */
  restart: () => Promise<void>;
  /** The transport cannot be saved. Called at most once. */
  giveUp: () => void;
  /** True while media does not flow, false once it does. */
  troubled: (troubled: boolean) => void;
}

export class Recovery {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private restarts = 0;
  private down = false;
  private stopped = false;

  constructor(private readonly hooks: RecoveryHooks) {}

  /** Tells the transport's new connection state. */
  observe(state: ConnectionState): void {
    if (this.stopped) return;
    if (state === 'connected') this.recovered();
    else if (state === 'disconnected') this.lost(graceMs);
    else if (state === 'failed') this.lost(0);
    else if (state === 'closed') this.surrender(); // DTLS was closed by the server: no ICE restart can bring it back
  }

  /** Restarts at once, for instance because the machine changed networks. */
  kick(): void {
    if (!this.stopped) this.lost(0);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private recovered(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.restarts = 0;
    if (!this.down) return;
    this.down = false;
    this.hooks.troubled(false);
  }

  private lost(afterMs: number): void {
    if (!this.down) {
      this.down = true;
      this.hooks.troubled(true);
    }
    if (this.timer !== undefined && afterMs > 0) return; // a try is under way already
    this.schedule(afterMs);
  }

  private schedule(afterMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.attempt(), afterMs);
  }

  private async attempt(): Promise<void> {
    if (this.restarts >= maxRestarts) {
      this.surrender();
      return;
    }
    this.restarts++;
    this.schedule(retryMs);
    try {
      await this.hooks.restart();
    } catch {
      this.surrender();
    }
  }

  private surrender(): void {
    if (this.stopped) return;
    this.stop();
    this.hooks.giveUp();
  }
}
