// Short messages that go away by themselves.

import { h, setLabel } from './dom.ts';
import { icon } from './icons.ts';

export type ToastKind = 'info' | 'error';

const shownMs: Record<ToastKind, number> = { info: 4_000, error: 12_000 };
const maxToasts = 3;

export class Toasts {
  // Errors interrupt a screen reader, the rest waits: role alert and status.
  readonly element = h('div', { class: 'toasts' });

  show(kind: ToastKind, text: string): void {
    for (const old of this.element.children) if ((old as HTMLElement).dataset.text === text) old.remove();
    while (this.element.childElementCount >= maxToasts) this.element.firstElementChild?.remove();
    const close = h('button', { class: 'plain', attrs: { type: 'button' }, on: { click: () => toast.remove() } }, icon('close'));
    setLabel(close, 'Dismiss');
    const toast = h('div', { class: `toast ${kind}`, attrs: { role: kind === 'error' ? 'alert' : 'status', 'data-text': text } },
      kind === 'error' ? icon('alert') : undefined, h('p', {}, text), close);
    this.element.append(toast);
    setTimeout(() => toast.remove(), shownMs[kind]);
  }
}
