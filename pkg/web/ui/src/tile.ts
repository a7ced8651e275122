// One tile: a picture or initials, a name, whether the microphone is off, and figures over it if wanted.

import { h, setLabel, setText } from './dom.ts';
import { hue, initials } from './format.ts';
import type { Rect } from './grid.ts';
import { icon } from './icons.ts';
import type { Source } from './wire.ts';
import type { Row } from './statslines.ts';

export interface TileOptions {
  peerId: string;
  source: Exclude<Source, 'mic'>;
  /** One's own tile. */
  self: boolean;
  onMenu: (anchor: HTMLElement) => void;
  onPin: () => void;
}

/** A camera whose shape differs from the tile's by more than this is shown whole instead of cropped. */
const cropLimit = 1.5;

export class Tile {
  readonly element: HTMLElement;
  readonly video: HTMLVideoElement;
  private readonly nameText = h('span', { class: 'tile-name' });
  private readonly micIcon = h('span', { class: 'tile-mic', attrs: { hidden: true, role: 'img', 'aria-label': 'microphone off' } }, icon('micOff'));
  private readonly pinIcon = h('span', { class: 'tile-pin', attrs: { hidden: true, role: 'img', 'aria-label': 'pinned' } }, icon('pin'));
  private readonly avatar = h('div', { class: 'avatar', attrs: { 'aria-hidden': 'true' } });
  private readonly figures = h('dl', { class: 'tile-stats', attrs: { hidden: true } });
  private readonly menuButton: HTMLButtonElement;
  private track: MediaStreamTrack | undefined;
  private rect: Rect | undefined;

  constructor(readonly options: TileOptions) {
    // Pictures carry no sound: audio has elements of its own, so muting a tile's video costs nothing and always autoplays.
    this.video = h('video', { attrs: { autoplay: true, playsinline: true, muted: true, disablepictureinpicture: true, tabindex: '-1' } });
    this.video.muted = true;
    this.video.addEventListener('resize', () => this.pictureChanged());
    this.video.addEventListener('loadeddata', () => this.pictureChanged());
    this.menuButton = h('button', {
      class: 'tile-menu', attrs: { type: 'button', 'aria-haspopup': 'menu' }, on: { click: () => options.onMenu(this.menuButton) },
    }, icon('more'));
    this.element = h('article', {
      class: `tile${options.self ? ' self' : ''}${options.source === 'screen' ? ' screen' : ''}`,
      attrs: { 'data-peer': options.peerId, 'data-source': options.source },
      on: { dblclick: () => options.onPin() },
    },
    this.avatar, this.video, this.figures,
    h('div', { class: 'tile-label' }, this.pinIcon, this.micIcon, this.nameText),
    this.menuButton);
    this.element.style.setProperty('--hue', String(hue(options.peerId)));
  }

  get key(): string {
    return tileKey(this.options.peerId, this.options.source);
  }

  /** How many device pixels high the picture is shown. */
  get pictureHeight(): number {
    return (this.rect?.height ?? 0) * window.devicePixelRatio;
  }

  /** The name of a person, and what the tile is called if that differs. */
  setName(name: string, title = name): void {
    setText(this.nameText, title);
    setText(this.avatar, initials(name));
    this.element.setAttribute('aria-label', title);
    setLabel(this.menuButton, `Options for ${title}`);
  }

  /** Shows a track; undefined shows the initials. mirrored is for one's own camera, as in a mirror. */
  setVideo(track: MediaStreamTrack | undefined, mirrored = false): void {
    this.element.classList.toggle('mirrored', mirrored);
    if (track === this.track) return;
    this.track = track;
    this.element.classList.remove('live');
    this.video.srcObject = track ? new MediaStream([track]) : null;
    if (track) this.video.play().catch(() => undefined); // a newer track interrupts: that one plays then
  }

  setMicOff(off: boolean): void {
    this.micIcon.hidden = !off;
  }

  setPinned(pinned: boolean): void {
    this.pinIcon.hidden = !pinned;
  }

  setSpeaking(speaking: boolean): void {
    this.element.classList.toggle('speaking', speaking);
  }

  /** Shows figures over the tile; undefined hides them. */
  setStats(rows: Row[] | undefined): void {
    this.figures.hidden = !rows;
    if (!rows) return;
    // Rows are reused: rebuilding them every second would fight with text selection.
    while (this.figures.childElementCount > rows.length) this.figures.lastElementChild?.remove();
    rows.forEach(([label, value], i) => {
      const row = this.figures.children[i] ?? this.figures.appendChild(h('div', {}, h('dt'), h('dd')));
      setText(row.children[0]!, label);
      setText(row.children[1]!, value);
    });
  }

  place(rect: Rect): void {
    this.rect = rect;
    const { style } = this.element;
    style.left = `${rect.left}px`;
    style.top = `${rect.top}px`;
    style.width = `${rect.width}px`;
    style.height = `${rect.height}px`;
    this.element.classList.toggle('small', rect.width < 240);
    this.element.classList.toggle('tiny', rect.width < 130);
  }

  remove(): void {
    this.video.srcObject = null;
    this.element.remove();
  }

  private pictureChanged(): void {
    const { videoWidth, videoHeight } = this.video;
    // Chromium tells 2 × 2 for a track without a frame yet.
    const live = this.track !== undefined && videoWidth > 2 && videoHeight > 2;
    this.element.classList.toggle('live', live);
    if (!live) return;
    const shape = videoWidth / videoHeight / (16 / 9);
    this.element.classList.toggle('whole', shape > cropLimit || shape < 1 / cropLimit);
  }
}

export function tileKey(peerId: string, source: Exclude<Source, 'mic'>): string {
  return `${peerId}/${source}`;
}
