// The sound of the others: one audio element per consumer, on the chosen speaker.

import { Emitter } from './events.ts';
import { readPref, writePref } from './prefs.ts';

interface Events {
  /** The browser wants a click before it plays sound. */
  blocked: [boolean];
}

export class Sound extends Emitter<Events> {
  private readonly elements = new Map<string, HTMLAudioElement>();
  private held = false;

  constructor() {
    super();
    for (const gesture of ['pointerup', 'keyup']) document.addEventListener(gesture, () => this.retry());
  }

  /** Whether this browser lets pages choose the speaker. */
  static get canChoose(): boolean {
    return 'setSinkId' in HTMLMediaElement.prototype;
  }

  /** Plays exactly these tracks, by consumer id. */
  play(tracks: Map<string, MediaStreamTrack>): void {
    for (const [id, element] of this.elements) {
      if (tracks.has(id)) continue;
      element.srcObject = null;
      this.elements.delete(id);
    }
    for (const [id, track] of tracks) {
      if (this.elements.has(id)) continue;
      const element = new Audio();
      element.srcObject = new MediaStream([track]);
      this.elements.set(id, element);
      this.route(element, readPref('speaker'));
      this.start(element);
    }
  }

  /** Starts what the browser held back: once the visitor clicked, or gave the page a device. */
  retry(): void {
    if (!this.held) return;
    this.hold(false);
    for (const element of this.elements.values()) if (element.paused) this.start(element);
  }

  choose(deviceId: string): void {
    writePref('speaker', deviceId);
    for (const element of this.elements.values()) this.route(element, deviceId);
  }

  private start(element: HTMLAudioElement): void {
    element.play().catch((error: unknown) => {
      if ((error as Error).name === 'NotAllowedError' && element.srcObject) this.hold(true);
    });
  }

  private hold(held: boolean): void {
    if (held === this.held) return;
    this.held = held;
    this.emit('blocked', held);
  }

  private route(element: HTMLAudioElement, deviceId: string): void {
    if (!deviceId || !Sound.canChoose) return;
    // The remembered speaker may be unplugged: the default one is right then.
    element.setSinkId(deviceId).catch(() => undefined);
  }
}
