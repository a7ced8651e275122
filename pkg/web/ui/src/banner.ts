// One line on top of the room for what is not over yet: a lost connection, sound that waits for a click.

import { h, setText } from './dom.ts';

export interface Notice {
  text: string;
  /** Something is going on without the visitor. */
  busy?: boolean;
  action?: { label: string; run: () => void };
}

export class Banner {
  private readonly text = h('span');
  private readonly spinner = h('span', { class: 'spinner', attrs: { 'aria-hidden': 'true' } });
  private readonly button = h('button', { class: 'small-button', attrs: { type: 'button' }, on: { click: () => this.run?.() } });
  readonly element = h('div', { class: 'banner', attrs: { role: 'status', hidden: true } }, this.spinner, this.text, this.button);
  private readonly notices = new Map<string, Notice>();
  private run: (() => void) | undefined;

  /** Sets or, with undefined, takes back the notice of a topic; the topic set first is shown. */
  set(topic: string, notice: Notice | undefined): void {
    if (notice) this.notices.set(topic, notice);
    else this.notices.delete(topic);
    const [first] = this.notices.values();
    this.element.hidden = !first;
    setText(this.text, first?.text ?? '');
    this.spinner.hidden = !first?.busy;
    this.button.hidden = !first?.action;
    setText(this.button, first?.action?.label ?? '');
    this.run = first?.action?.run;
  }
}
