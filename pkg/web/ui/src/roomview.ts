// The screen while in a room: tiles, toolbar, chat, banner. It follows the room's events and holds no state of the room.

import { Banner } from './banner.ts';
import { ChatPanel } from './chat.ts';
import { h, setLabel, setText } from './dom.ts';
import { captureText, deviceLostText, stoppedText } from './errors.ts';
import { icon, logo } from './icons.ts';
import { LayerChoice } from './layerchoice.ts';
import type { LocalMedia } from './media.ts';
import type { Peer } from './peers.ts';
import type { RoomClient } from './roomclient.ts';
import { isMirrored } from './selfview.ts';
import { Sound } from './sound.ts';
import { Speakers } from './speakers.ts';
import { Stage } from './stage.ts';
import { StatsView } from './statsview.ts';
import { Tile, tileKey } from './tile.ts';
import { openTileMenu } from './tilemenu.ts';
import type { Toasts } from './toast.ts';
import { Toolbar, type Action } from './toolbar.ts';
import { sources, type Source } from './wire.ts';

/** How often the levels of what is heard are looked at. */
const speakersPeriodMs = 250;

export interface RoomViewHooks {
  room: RoomClient;
  local: LocalMedia;
  sound: Sound;
  toasts: Toasts;
  ownName: () => string;
  onSettings: () => void;
  onLeave: () => void;
  onInvite: () => void;
}

export class RoomView {
  readonly element: HTMLElement;
  readonly layers: LayerChoice;
  private readonly stage = new Stage(() => this.sizesChanged());
  private readonly toolbar = new Toolbar((action) => this.run(action));
  private readonly banner = new Banner();
  private readonly speakers = new Speakers();
  private readonly stats: StatsView;
  private readonly chat: ChatPanel;
  private readonly roomName = h('span', { class: 'room-name' });
  private readonly count = h('span');
  private readonly lonely = h('p', { class: 'lonely', attrs: { hidden: true } }, 'Nobody else is here yet. Copy the link and send it to whom you want to meet.');
  private unseen = 0;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly hooks: RoomViewHooks) {
    const { room } = hooks;
    this.layers = new LayerChoice(room.peers, (id, layers) => room.requestLayers(id, layers), room.params.autoLayers);
    this.stats = new StatsView(room, this.stage);
    this.chat = new ChatPanel(room.chat, (id) => this.nameOf(id), () => this.toggleChat(false), () => this.toolbar.badge('chat', ++this.unseen));
    const invite = h('button', { class: 'small-button', attrs: { type: 'button' }, on: { click: hooks.onInvite } }, icon('link'), h('span', {}, 'Copy link'));
    setLabel(invite, 'Copy the link to this room');
    this.element = h('main', { class: 'room', attrs: { hidden: true } },
      h('header', { class: 'topbar' }, logo(), this.roomName, h('span', { class: 'people' }, icon('people'), this.count), invite),
      this.banner.element,
      h('div', { class: 'room-body' }, h('div', { class: 'stage-box' }, this.stage.element, this.lonely), this.chat.element),
      this.toolbar.element);
    this.followPeers();
    this.followSelf();
    this.followRoom();
  }

  show(visible: boolean): void {
    this.element.hidden = !visible;
    this.toolbar.listen(visible);
    clearInterval(this.timer);
    if (visible) {
      setText(this.roomName, this.hooks.room.params.roomId);
      this.selfChanged('camera');
      this.afterPeers();
      this.timer = setInterval(() => this.showSpeakers(), speakersPeriodMs);
      return;
    }
    this.stage.clear();
    this.stats.toggle(false);
    this.toolbar.set('stats', false);
    this.toggleChat(false);
    this.chat.clear();
    this.setOffline(false);
    this.speakers.reset();
  }

  private followPeers(): void {
    const { peers } = this.hooks.room;
    peers.on('joined', (peer) => this.peerChanged(peer));
    peers.on('renamed', (peer) => this.peerChanged(peer));
    peers.on('media', (peer) => this.peerChanged(peer));
    peers.on('left', (peer) => {
      this.stage.remove(tileKey(peer.id, 'camera'));
      this.stage.remove(tileKey(peer.id, 'screen'));
      this.afterPeers();
    });
  }

  private followSelf(): void {
    const { publisher } = this.hooks.room;
    publisher.on('change', (source) => this.selfChanged(source));
    publisher.on('failed', (source, error) => this.fail(captureText(source, error)));
    publisher.on('stopped', (source) => this.fail(stoppedText(source)));
    publisher.on('allowed', () => this.offerSources());
    // Browsers let a page that captures play sound: what they held back before can start now.
    this.hooks.local.on('change', () => this.hooks.sound.retry());
    this.hooks.local.on('ended', (source) => {
      if (source !== 'screen') this.fail(deviceLostText(source));
    });
  }

  private followRoom(): void {
    const { room, sound } = this.hooks;
    room.on('state', (state) => this.banner.set('connection', state !== 'reconnecting' ? undefined
      : { text: 'The connection to the server was lost. Reconnecting…', busy: true }));
    room.on('troubled', (troubled) => this.banner.set('media', !troubled ? undefined
      : { text: 'Sound and picture are interrupted. Finding another way…', busy: true }));
    sound.on('blocked', (blocked) => this.banner.set('sound', !blocked ? undefined
      : { text: 'The browser holds the sound back.', action: { label: 'Turn sound on', run: () => sound.retry() } }));
    room.chat.on('offered', (offered) => {
      this.toolbar.offer('chat', offered);
      if (!offered) this.toggleChat(false);
    });
    this.toolbar.offer('chat', false);
    this.offerSources();
    room.notices.on('activeSpeaker', (peerId) => {
      this.speakers.serverSays(peerId, performance.now());
      this.showSpeakers();
    });
  }

  /** Makes the tiles of a peer match what comes from them. */
  private peerChanged(peer: Peer): void {
    const { peers } = this.hooks.room;
    const name = this.nameOf(peer.id);
    const camera = peers.of(peer.id, 'camera');
    const mic = peers.of(peer.id, 'mic');
    const tile = this.ensureTile(peer.id, 'camera', false);
    tile.setName(name);
    tile.setVideo(camera && !camera.paused ? camera.consumer.track : undefined);
    tile.setMicOff(!mic || mic.paused);
    const screen = peers.of(peer.id, 'screen');
    if (screen) {
      const screenTile = this.ensureTile(peer.id, 'screen', false);
      screenTile.setName(name, `Screen of ${name}`);
      screenTile.setVideo(screen.paused ? undefined : screen.consumer.track);
    } else {
      this.stage.remove(tileKey(peer.id, 'screen'));
    }
    this.afterPeers();
  }

  private afterPeers(): void {
    const { all } = this.hooks.room.peers;
    setText(this.count, String(all.size + 1));
    this.count.parentElement!.title = all.size === 0 ? 'You are alone here' : `${all.size + 1} people are here`;
    this.lonely.hidden = all.size > 0;
    const tracks = new Map<string, MediaStreamTrack>();
    for (const peer of all.values()) {
      for (const media of peer.media.values()) if (media.kind === 'audio') tracks.set(media.id, media.consumer.track);
    }
    this.hooks.sound.play(tracks);
    this.sizesChanged();
  }

  /** Makes one's own tiles and buttons match what is sent. */
  private selfChanged(source: Source): void {
    const { room, local } = this.hooks;
    const { publisher, params } = room;
    const on = publisher.isOn(source);
    this.toolbar.set(source, on);
    if (this.element.hidden) return;
    const tile = this.ensureTile(params.peerId, 'camera', true);
    const track = publisher.isOn('camera') ? local.track('camera') : undefined;
    tile.setName(this.hooks.ownName(), `${this.hooks.ownName()} (you)`);
    tile.setVideo(track, isMirrored(track));
    tile.setMicOff(!publisher.isOn('mic'));
    if (source !== 'screen') return;
    if (!on) {
      this.stage.remove(tileKey(params.peerId, 'screen'));
      return;
    }
    const screen = this.ensureTile(params.peerId, 'screen', true);
    screen.setName('Your screen');
    screen.setVideo(local.track('screen'));
  }

  /** The machine has no network at all. */
  setOffline(offline: boolean): void {
    this.banner.set('offline', offline ? { text: 'This device is offline. The room comes back with the network.', busy: true } : undefined);
  }

  /** One's own name changed. */
  renamed(): void {
    this.selfChanged('camera');
  }

  private ensureTile(peerId: string, source: 'camera' | 'screen', self: boolean): Tile {
    const key = tileKey(peerId, source);
    const known = this.stage.tile(key);
    if (known) return known;
    const tile = new Tile({
      peerId, source, self, onMenu: (anchor) => this.openMenu(tile, anchor), onPin: () => this.stage.togglePin(key),
    });
    this.stage.add(tile);
    return tile;
  }

  private openMenu(tile: Tile, anchor: HTMLElement): void {
    const { peerId, source } = tile.options;
    const media = tile.options.self ? undefined : this.hooks.room.peers.of(peerId, source);
    const layered = media && media.layers.spatial * media.layers.temporal > 1;
    openTileMenu(anchor, {
      name: tile.element.getAttribute('aria-label') ?? '',
      pinned: this.stage.isPinned(tile.key),
      onPin: () => this.stage.togglePin(tile.key),
      quality: layered ? {
        layers: media.layers,
        choice: this.layers.choice(peerId, source),
        onChoose: (choice) => {
          this.layers.choose(peerId, source, choice).catch(() => this.fail('The server did not change the quality. Try again.'));
        },
      } : undefined,
    });
  }

  private offerSources(): void {
    const { publisher } = this.hooks.room;
    for (const source of sources) this.toolbar.offer(source, publisher.mayPublish(source) && (source !== 'screen' || this.hooks.local.canShare));
  }

  private sizesChanged(): void {
    for (const tile of this.stage.all()) {
      const { peerId, source, self } = tile.options;
      const media = self ? undefined : this.hooks.room.peers.of(peerId, source);
      if (media) this.layers.shown(media, tile.pictureHeight);
    }
  }

  private showSpeakers(): void {
    const now = performance.now();
    const levels: [string, number][] = [];
    for (const peer of this.hooks.room.peers.all.values()) {
      const receiver = this.hooks.room.peers.of(peer.id, 'mic')?.consumer.rtpReceiver;
      const level = receiver?.getSynchronizationSources?.()[0]?.audioLevel;
      if (level !== undefined) levels.push([peer.id, level]);
    }
    this.speakers.heard(levels, now);
    const current = this.speakers.current(now);
    for (const tile of this.stage.all()) tile.setSpeaking(tile.options.source === 'camera' && current.has(tile.options.peerId));
  }

  private run(action: Action): void {
    switch (action) {
      case 'mic':
      case 'camera':
      case 'screen': {
        const { publisher } = this.hooks.room;
        publisher.set(action, !publisher.isOn(action)).catch((error: unknown) => this.fail(captureText(action, error)));
        return;
      }
      case 'chat': this.toggleChat(!this.chat.shown); return;
      case 'stats':
        this.stats.toggle(!this.stats.shown);
        this.toolbar.set('stats', this.stats.shown);
        return;
      case 'settings': this.hooks.onSettings(); return;
      case 'leave': this.hooks.onLeave();
    }
  }

  private toggleChat(show: boolean): void {
    this.chat.toggle(show);
    this.toolbar.set('chat', show);
    this.element.classList.toggle('with-chat', show);
    if (!show) return;
    this.unseen = 0;
    this.toolbar.badge('chat', 0);
  }

  private nameOf(peerId: string): string {
    return this.hooks.room.peers.all.get(peerId)?.displayName.trim() || 'Guest';
  }

  private fail(text: string | undefined): void {
    if (text) this.hooks.toasts.show('error', text);
  }
}
