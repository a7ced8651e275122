// The visitor's own microphone, camera and screen: opening, switching and releasing them.

import { Emitter } from './events.ts';
import { readPref, writePref } from './prefs.ts';
import { screenFrameRate } from './encodings.ts';
import type { Source } from './wire.ts';

/** The page was not loaded over https, so the browser hides all devices. */
export class InsecureContextError extends Error {
  constructor() {
    super('devices need a page loaded over https');
    this.name = 'InsecureContextError';
  }
}

interface Events {
  /** A track was opened, replaced or released. */
  change: [Source];
  /** A device went away, or sharing was ended in the browser's own bar. */
  ended: [Source];
  /** Devices were plugged or unplugged. */
  devices: [];
}

export class LocalMedia extends Emitter<Events> {
  private readonly tracks = new Map<Source, MediaStreamTrack>();

  constructor() {
    super();
    navigator.mediaDevices?.addEventListener('devicechange', () => this.emit('devices'));
  }

  track(source: Source): MediaStreamTrack | undefined {
    return this.tracks.get(source);
  }

  /** Whether this browser can share a screen: phones cannot. */
  get canShare(): boolean {
    return typeof navigator.mediaDevices?.getDisplayMedia === 'function';
  }

  /** Opens the source, or gives the track that is open. Rejects with a DOMException or InsecureContextError. */
  async open(source: Source): Promise<MediaStreamTrack> {
    const open = this.tracks.get(source);
    if (open?.readyState === 'live') return open;
    if (!navigator.mediaDevices) throw new InsecureContextError();
    const track = source === 'screen' ? await captureScreen() : await captureDevice(source, readPref(source));
    this.keep(source, track);
    return track;
  }

  /** Opens microphone and camera with one question to the visitor. Failures are told by open(), source by source. */
  async openPair(): Promise<void> {
    if (!navigator.mediaDevices || this.tracks.has('mic') || this.tracks.has('camera')) return;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: audioConstraints(readPref('mic')), video: videoConstraints(readPref('camera')) });
      for (const track of stream.getTracks()) this.keep(track.kind === 'audio' ? 'mic' : 'camera', track);
    } catch {
      // One of them is missing or refused: open() finds out which.
    }
  }

  /** Switches to another device, and remembers it. The old one is released only when the new one is open. */
  async choose(source: 'mic' | 'camera', deviceId: string): Promise<MediaStreamTrack> {
    if (!navigator.mediaDevices) throw new InsecureContextError();
    const track = await captureDevice(source, deviceId);
    writePref(source, deviceId);
    this.keep(source, track);
    return track;
  }

  /** Releases the device: its light goes out. */
  release(source: Source): void {
    const track = this.tracks.get(source);
    if (!track) return;
    this.tracks.delete(source);
    track.stop();
    this.emit('change', source);
  }

  /** The devices there are. Labels are empty until the visitor allowed their use once. */
  async devices(): Promise<MediaDeviceInfo[]> {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    return all.filter((device) => device.deviceId !== '');
  }

  private keep(source: Source, track: MediaStreamTrack): void {
    this.tracks.get(source)?.stop();
    this.tracks.set(source, track);
    track.addEventListener('ended', () => {
      if (this.tracks.get(source) !== track) return;
      this.tracks.delete(source);
      this.emit('ended', source);
    });
    this.emit('change', source);
  }
}

async function captureDevice(source: 'mic' | 'camera', deviceId: string): Promise<MediaStreamTrack> {
  const constraints = (exact: string): MediaStreamConstraints =>
    source === 'mic' ? { audio: audioConstraints(exact) } : { video: videoConstraints(exact) };
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getUserMedia(constraints(deviceId));
  } catch (error) {
    // The remembered device is not plugged in today: any other is better than none.
    const absent = error instanceof DOMException && (error.name === 'OverconstrainedError' || error.name === 'NotFoundError');
    if (!deviceId || !absent) throw error;
    stream = await navigator.mediaDevices.getUserMedia(constraints(''));
  }
  return only(stream);
}

function audioConstraints(deviceId: string): MediaTrackConstraints {
  return { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...device(deviceId) };
}

function videoConstraints(deviceId: string): MediaTrackConstraints {
  return { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 }, ...device(deviceId) };
}

function device(exact: string): MediaTrackConstraints {
  return exact ? { deviceId: { exact } } : {};
}

async function captureScreen(): Promise<MediaStreamTrack> {
  const stream = await navigator.mediaDevices.getDisplayMedia({
    video: { frameRate: { ideal: screenFrameRate, max: screenFrameRate }, width: { max: 1920 }, height: { max: 1080 } },
    audio: false,
  });
  const track = only(stream);
  track.contentHint = 'detail'; // keep text sharp, give up frames first
  return track;
}

function only(stream: MediaStream): MediaStreamTrack {
  const track = stream.getTracks()[0];
  if (!track) throw new DOMException('the browser gave no track', 'NotFoundError');
  return track;
}
