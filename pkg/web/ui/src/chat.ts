// The chat beside the tiles. It exists only where the server offers data channels.

import { maxChatLength, type ChatChannel, type ChatMessage } from './chatchannel.ts';
import { h, setLabel } from './dom.ts';
import { clock } from './format.ts';
import { icon } from './icons.ts';

/** Older messages are dropped. */
const maxMessages = 500;

/** Messages of one person within this time stand under one name. */
const joinMs = 60_000;

export class ChatPanel {
  readonly element: HTMLElement;
  private readonly list = h('ol', { class: 'chat-list', attrs: { role: 'log', 'aria-label': 'Messages', tabindex: '0' } });
  private readonly input = h('input', { attrs: { type: 'text', maxlength: String(maxChatLength), 'aria-label': 'Message', autocomplete: 'off' } });
  private readonly sendButton = h('button', { class: 'plain', attrs: { type: 'submit', disabled: true } }, icon('send'));
  private readonly hint = h('p', { class: 'chat-hint' }, 'Messages go to everyone who is in the room now. Nothing is kept.');
  private last: ChatMessage | undefined;

  /** nameOf gives a peer's name; onClose is the panel's own close button; onUnseen a message while it is closed. */
  constructor(
    private readonly channel: ChatChannel,
    private readonly nameOf: (peerId: string) => string,
    onClose: () => void,
    private readonly onUnseen: () => void,
  ) {
    const close = h('button', { class: 'plain', attrs: { type: 'button' }, on: { click: onClose } }, icon('close'));
    setLabel(close, 'Close chat');
    setLabel(this.sendButton, 'Send');
    this.element = h('aside', { class: 'chat-panel', attrs: { hidden: true, 'aria-label': 'Chat' } },
      h('header', {}, h('h2', {}, 'Chat'), close), this.hint, this.list,
      h('form', { on: { submit: (event) => this.submit(event) } }, this.input, this.sendButton));
    channel.on('message', (message) => this.show(message));
    channel.on('ready', (ready) => this.setReady(ready));
    this.setReady(channel.ready);
  }

  get shown(): boolean {
    return !this.element.hidden;
  }

  toggle(show: boolean): void {
    this.element.hidden = !show;
    if (!show) return;
    this.list.scrollTop = this.list.scrollHeight;
    this.input.focus();
  }

  clear(): void {
    this.list.replaceChildren();
    this.hint.hidden = false;
    this.last = undefined;
  }

  private setReady(ready: boolean): void {
    this.sendButton.disabled = !ready;
    this.input.placeholder = ready ? 'Write to everyone' : 'Connecting the chat…';
  }

  private submit(event: Event): void {
    event.preventDefault();
    const text = this.input.value.trim();
    if (text && this.channel.send(text)) this.input.value = '';
  }

  private show(message: ChatMessage): void {
    this.hint.hidden = true;
    const { peerId } = message;
    const own = peerId === undefined;
    const author = own ? 'You' : peerId === null ? 'Server' : this.nameOf(peerId);
    const follows = this.last !== undefined && this.last.peerId === peerId && message.at.getTime() - this.last.at.getTime() < joinMs;
    this.last = message;
    const atEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
    this.list.append(h('li', { class: `message${own ? ' own' : ''}` },
      follows ? undefined : h('div', { class: 'message-head' }, h('strong', {}, author), h('time', {}, clock(message.at))),
      h('p', {}, message.text)));
    while (this.list.childElementCount > maxMessages) this.list.firstElementChild?.remove();
    if (atEnd || own) this.list.scrollTop = this.list.scrollHeight;
    if (!this.shown) this.onUnseen();
  }
}
