// The settings: name, microphone, camera and speaker.

import { h, setLabel } from './dom.ts';
import { captureText } from './errors.ts';
import { icon } from './icons.ts';
import type { LocalMedia } from './media.ts';
import { Meter } from './meter.ts';
import { readPref, writePref } from './prefs.ts';
import type { Publisher } from './publisher.ts';
import { Sound } from './sound.ts';

const kinds = { mic: 'audioinput', camera: 'videoinput', speaker: 'audiooutput' } as const;
type Kind = keyof typeof kinds;
const titles: Record<Kind, string> = { mic: 'Microphone', camera: 'Camera', speaker: 'Speaker' };

export interface SettingsHooks {
  local: LocalMedia;
  publisher: Publisher;
  sound: Sound;
  ownName: () => string;
  rename: (name: string) => void;
  fail: (text: string) => void;
}

export class Settings {
  readonly element: HTMLDialogElement;
  private readonly selects = {
    mic: this.select('mic'), camera: this.select('camera'), speaker: this.select('speaker'),
  };
  private readonly name = h('input', { attrs: { type: 'text', maxlength: '40', autocomplete: 'name', required: true } });
  private readonly bar = h('span', { class: 'meter-bar' });
  private readonly meter = new Meter((level) => this.bar.style.setProperty('transform', `scaleX(${level})`));

  constructor(private readonly hooks: SettingsHooks) {
    const close = h('button', { class: 'plain', attrs: { type: 'button' }, on: { click: () => this.element.close() } }, icon('close'));
    setLabel(close, 'Close');
    this.element = h('dialog', { class: 'sheet', attrs: { 'aria-labelledby': 'settings-title' }, on: { close: () => this.closed() } },
      h('header', {}, h('h2', { attrs: { id: 'settings-title' } }, 'Devices and name'), close),
      h('form', { attrs: { method: 'dialog' } },
        h('label', {}, h('span', {}, 'Your name'), this.name),
        h('label', {}, h('span', {}, titles.mic), this.selects.mic),
        h('div', { class: 'meter', attrs: { role: 'img', 'aria-label': 'Loudness of your microphone' } }, this.bar),
        h('label', {}, h('span', {}, titles.camera), this.selects.camera),
        Sound.canChoose ? h('label', {}, h('span', {}, titles.speaker), this.selects.speaker) : undefined,
        h('button', { class: 'primary', attrs: { type: 'submit' } }, 'Done')));
    // A click beside the sheet closes it, as people expect.
    this.element.addEventListener('click', (event) => {
      if (event.target === this.element) this.element.close();
    });
    hooks.local.on('devices', () => void this.fill());
    hooks.local.on('change', (source) => {
      if (source === 'mic' && this.element.open) this.meter.set(hooks.local.track('mic'));
    });
  }

  async open(): Promise<void> {
    this.name.value = this.hooks.ownName();
    await this.fill();
    this.element.showModal();
    this.meter.set(this.hooks.local.track('mic'));
  }

  private closed(): void {
    this.meter.set(undefined);
    const name = this.name.value.trim();
    if (!name || name === this.hooks.ownName()) return;
    writePref('name', name);
    this.hooks.rename(name);
  }

  private select(kind: Kind): HTMLSelectElement {
    return h('select', { attrs: { 'data-kind': kind }, on: { change: () => void this.choose(kind) } });
  }

  private async fill(): Promise<void> {
    const devices = await this.hooks.local.devices();
    for (const kind of Object.keys(kinds) as Kind[]) {
      const select = this.selects[kind];
      const fitting = devices.filter((device) => device.kind === kinds[kind]);
      const options = fitting.map((device, i) => h('option', { attrs: { value: device.deviceId } }, device.label || `${titles[kind]} ${i + 1}`));
      if (options.length === 0) options.push(h('option', { attrs: { value: '' } }, kind === 'speaker' ? 'Default' : 'None found, or not allowed yet'));
      select.replaceChildren(...options);
      select.disabled = fitting.length === 0;
      const current = kind === 'speaker' ? readPref('speaker') : this.hooks.local.track(kind)?.getSettings().deviceId ?? readPref(kind);
      if (fitting.some((device) => device.deviceId === current)) select.value = current;
    }
  }

  private async choose(kind: Kind): Promise<void> {
    const deviceId = this.selects[kind].value;
    if (kind === 'speaker') {
      this.hooks.sound.choose(deviceId);
      return;
    }
    try {
      await this.hooks.publisher.choose(kind, deviceId);
    } catch (error) {
      const text = captureText(kind, error);
      if (text) this.hooks.fail(text);
      await this.fill();
    }
  }
}
