// The first screen: name, room, and a look at oneself before others do.

import { h, setLabel, setText } from './dom.ts';
import { captureText } from './errors.ts';
import { initials } from './format.ts';
import { icon, logo } from './icons.ts';
import type { LocalMedia } from './media.ts';
import { Meter } from './meter.ts';
import { readPref, writePref } from './prefs.ts';
import type { Publisher } from './publisher.ts';
import { isMirrored } from './selfview.ts';

type Toggle = 'mic' | 'camera';

export interface JoinHooks {
  local: LocalMedia;
  publisher: Publisher;
  onJoin: (name: string, roomId: string) => void;
  onCancel: () => void;
  onSettings: () => void;
  /** A device could not be opened. */
  onFail: (text: string) => void;
}

export class JoinForm {
  readonly element: HTMLElement;
  /** What the visitor wants on; the devices follow at the latest when joining. */
  readonly wants: Record<Toggle, boolean>;
  private readonly video = h('video', { attrs: { autoplay: true, playsinline: true, muted: true, 'aria-label': 'Your camera' } });
  private readonly avatar = h('div', { class: 'avatar', attrs: { 'aria-hidden': 'true' } });
  private readonly previewText = h('p', { class: 'preview-text' });
  private readonly bar = h('span', { class: 'meter-bar' });
  private readonly meter = new Meter((level) => this.bar.style.setProperty('transform', `scaleX(${level})`));
  private readonly toggles: Record<Toggle, HTMLButtonElement>;
  private readonly name = h('input', { attrs: { type: 'text', name: 'name', maxlength: '40', autocomplete: 'name', required: true, placeholder: 'How others see you' } });
  private readonly room = h('input', { attrs: { type: 'text', name: 'room', maxlength: '80', required: true, autocapitalize: 'none', spellcheck: 'false' } });
  private readonly submit = h('button', { class: 'primary', attrs: { type: 'submit' } }, 'Join');
  private readonly message = h('p', { class: 'form-message', attrs: { role: 'alert' } });
  private joining = false;
  /** The message shown is about a device: it goes when the device works. */
  private deviceFailed = false;
  private opening: Promise<void> | undefined;
  private metered: MediaStreamTrack | undefined;

  constructor(private readonly hooks: JoinHooks, start: { name: string; roomId: string; mic: boolean; camera: boolean; invited: boolean }) {
    this.wants = { mic: start.mic, camera: start.camera };
    this.name.value = start.name || readPref('name');
    this.room.value = start.roomId;
    this.video.muted = true;
    this.toggles = { mic: this.toggle('mic'), camera: this.toggle('camera') };
    this.name.addEventListener('input', () => this.render());
    const settings = h('button', { class: 'tool', attrs: { type: 'button' }, on: { click: hooks.onSettings } }, icon('settings'));
    setLabel(settings, 'Choose devices');
    this.element = h('main', { class: 'join' },
      h('div', { class: 'join-brand' }, logo(), h('h1', {}, 'Gazpacho')),
      h('div', { class: 'join-card' },
        h('div', { class: 'preview' }, this.avatar, this.video, this.previewText,
          h('div', { class: 'preview-tools' }, this.toggles.mic, this.toggles.camera, settings),
          h('div', { class: 'meter', attrs: { 'aria-hidden': 'true' } }, this.bar)),
        h('form', { class: 'join-form', on: { submit: (event) => this.submitted(event) } },
          h('label', {}, h('span', {}, 'Your name'), this.name),
          h('label', {}, h('span', {}, 'Room'), this.room),
          this.message, this.submit,
          h('p', { class: 'hint' }, start.invited ? 'Your link is for you alone: it lets in whoever has it.' : 'Anyone with the link to the room can join it.'))));
    hooks.local.on('change', () => this.render());
    hooks.local.on('ended', () => this.render());
    hooks.publisher.on('change', (source) => {
      if (source !== 'screen' && !this.element.hidden && !hooks.publisher.isOn(source)) this.render();
    });
    this.render();
  }

  get nameValue(): string {
    return this.name.value.trim();
  }

  setName(name: string): void {
    this.name.value = name;
    this.render();
  }

  /** Opens the devices that are wanted, for the preview. Failures switch the wish off and say why. */
  openDevices(): Promise<void> {
    this.opening ??= this.openWanted().finally(() => {
      this.opening = undefined;
      this.render();
    });
    return this.opening;
  }

  private async openWanted(): Promise<void> {
    const wanted = (['mic', 'camera'] as const).filter((source) => this.wants[source]);
    if (wanted.length === 2) await this.hooks.local.openPair();
    const errors = (await Promise.all(wanted.map((source) => this.apply(source, true)))).filter((error) => error !== undefined);
    const refused = errors.filter((error) => (error as Error).name === 'NotAllowedError');
    if (refused.length === 2) this.failDevice(captureText('devices', refused[0])); // one question was asked, one answer given
  }

  show(visible: boolean): void {
    this.element.hidden = !visible;
    this.render();
    if (visible) (this.nameValue ? this.submit : this.name).focus();
  }

  /** While joining, the button takes it back. */
  setJoining(joining: boolean): void {
    this.joining = joining;
    this.name.disabled = this.room.disabled = joining;
    setText(this.submit, joining ? 'Joining… (cancel)' : 'Join');
    if (joining) this.say('', 'info');
  }

  say(text: string, kind: 'info' | 'error'): void {
    this.deviceFailed = false;
    setText(this.message, text);
    this.message.className = `form-message ${kind}`;
  }

  private toggle(source: Toggle): HTMLButtonElement {
    return h('button', {
      class: `tool ${source}`, attrs: { type: 'button', 'data-toggle': source }, on: { click: () => void this.apply(source, !this.wants[source]) },
    });
  }

  /** Switches a source; returns the error if that failed, after telling it. */
  private async apply(source: Toggle, on: boolean): Promise<unknown> {
    this.wants[source] = on;
    this.render();
    let failure: unknown;
    try {
      await this.hooks.publisher.set(source, on);
      if (on && this.deviceFailed) this.say('', 'info');
    } catch (error) {
      failure = error;
      this.wants[source] = false;
      this.failDevice(captureText(source, error));
    }
    this.render();
    return failure;
  }

  private cameraText(): string {
    if (!this.wants.camera) return 'Camera is off';
    return this.opening ? 'Allow the camera if the browser asks' : 'The camera starts when you join';
  }

  private failDevice(text: string | undefined): void {
    this.hooks.onFail(text ?? '');
    this.deviceFailed = true;
  }

  private submitted(event: Event): void {
    event.preventDefault();
    if (this.joining) {
      this.hooks.onCancel();
      return;
    }
    const room = this.room.value.trim();
    if (!this.nameValue || !room) return;
    writePref('name', this.nameValue);
    this.hooks.onJoin(this.nameValue, room);
  }

  private render(): void {
    const { local } = this.hooks;
    for (const source of ['mic', 'camera'] as const) {
      const on = this.wants[source];
      const button = this.toggles[source];
      button.replaceChildren(icon(on ? source : `${source}Off`));
      button.classList.toggle('warn', !on);
      button.setAttribute('aria-pressed', String(on));
      setLabel(button, `${source === 'mic' ? 'Microphone' : 'Camera'} is ${on ? 'on' : 'off'}`);
    }
    const visible = !this.element.hidden;
    const camera = visible && this.wants.camera ? local.track('camera') : undefined;
    if ((this.video.srcObject as MediaStream | null)?.getTracks()[0] !== camera) {
      this.video.srcObject = camera ? new MediaStream([camera]) : null;
    }
    this.video.hidden = !camera;
    this.video.classList.toggle('mirrored', isMirrored(camera));
    setText(this.avatar, initials(this.nameValue));
    setText(this.previewText, camera ? '' : this.cameraText());
    const mic = visible && this.wants.mic ? local.track('mic') : undefined;
    if (mic !== this.metered) this.meter.set(mic);
    this.metered = mic;
  }
}
