// The buttons at the bottom of the room.

import { h, setLabel } from './dom.ts';
import { icon, type IconName } from './icons.ts';

export type Action = 'mic' | 'camera' | 'screen' | 'chat' | 'stats' | 'settings' | 'leave';

interface Look {
  icon: IconName;
  label: string;
}

interface Spec {
  action: Action;
  key?: string;
  /** How it looks when on; buttons without an off look do something instead of being on or off. */
  on: Look;
  off?: Look;
  /** Off is a warning: nobody hears or sees you. */
  warnsOff?: boolean;
}

const specs: Spec[] = [
  { action: 'mic', key: 'M', warnsOff: true, on: { icon: 'mic', label: 'Mute microphone' }, off: { icon: 'micOff', label: 'Unmute microphone' } },
  { action: 'camera', key: 'V', warnsOff: true, on: { icon: 'camera', label: 'Stop camera' }, off: { icon: 'cameraOff', label: 'Start camera' } },
  { action: 'screen', key: 'S', on: { icon: 'screen', label: 'Stop sharing the screen' }, off: { icon: 'screen', label: 'Share your screen' } },
  { action: 'chat', key: 'C', on: { icon: 'chat', label: 'Close chat' }, off: { icon: 'chat', label: 'Open chat' } },
  { action: 'stats', key: 'I', on: { icon: 'stats', label: 'Hide statistics' }, off: { icon: 'stats', label: 'Show statistics' } },
  { action: 'settings', on: { icon: 'settings', label: 'Devices and name' } },
  { action: 'leave', on: { icon: 'leave', label: 'Leave the room' } },
];

export class Toolbar {
  readonly element: HTMLElement;
  private readonly buttons = new Map<Action, HTMLButtonElement>();
  private readonly onKey = (event: KeyboardEvent): void => this.shortcut(event);

  constructor(private readonly run: (action: Action) => void) {
    this.element = h('nav', { class: 'toolbar', attrs: { 'aria-label': 'Call controls' } });
    for (const spec of specs) {
      const button = h('button', {
        class: `tool ${spec.action}`, attrs: { type: 'button', 'data-action': spec.action }, on: { click: () => run(spec.action) },
      });
      this.buttons.set(spec.action, button);
      this.set(spec.action, false);
      this.element.append(button);
    }
  }

  /** Shows an action as on or off. */
  set(action: Action, on: boolean): void {
    const spec = specs.find((each) => each.action === action)!;
    const button = this.buttons.get(action)!;
    const look = on || !spec.off ? spec.on : spec.off;
    button.replaceChildren(icon(look.icon));
    setLabel(button, look.label, spec.key);
    if (spec.off) button.setAttribute('aria-pressed', String(on));
    button.classList.toggle('on', on);
    button.classList.toggle('warn', !on && spec.warnsOff === true);
  }

  /** Takes an action away that is not possible here. */
  offer(action: Action, offered: boolean): void {
    this.buttons.get(action)!.hidden = !offered;
  }

  /** A small number on the button; 0 takes it away. */
  badge(action: Action, count: number): void {
    const button = this.buttons.get(action)!;
    if (count > 0) button.dataset.badge = count > 9 ? '9+' : String(count);
    else delete button.dataset.badge;
  }

  /** Keys work while the room is shown. */
  listen(on: boolean): void {
    if (on) document.addEventListener('keydown', this.onKey);
    else document.removeEventListener('keydown', this.onKey);
  }

  private shortcut(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const target = event.target as HTMLElement;
    if (target.closest('input, textarea, select, dialog, [popover]')) return;
    const spec = specs.find((each) => each.key === event.key.toUpperCase());
    if (!spec || this.buttons.get(spec.action)!.hidden) return;
    event.preventDefault();
    this.run(spec.action);
  }
}
