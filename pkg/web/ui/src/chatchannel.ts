// Chat over data channels: one DataProducer labelled "chat" of ours, one DataConsumer per peer that chats.

import type { DataConsumer, DataProducer } from 'mediasoup-client/types';
import { Emitter } from './events.ts';
import type { Session } from './session.ts';

export interface ChatMessage {
  /** null for messages of the server itself, undefined for our own. */
  peerId: string | null | undefined;
  text: string;
  at: Date;
}

/** Longer texts are cut: a chat message is not a file. */
export const maxChatLength = 4_000;

interface Events {
  message: [ChatMessage];
  /** Whether messages can be sent now. */
  ready: [boolean];
  /** Whether this server offers data channels at all. */
  offered: [boolean];
}

export class ChatChannel extends Emitter<Events> {
  private producer: DataProducer | undefined;

  get ready(): boolean {
    return this.producer?.readyState === 'open';
  }

  /** A new session. Without the right to send there is no chat. */
  async attach(session: Session, allowed: boolean): Promise<void> {
    const offered = allowed && session.sctpParameters !== undefined;
    this.emit('offered', offered);
    if (!offered) return;
    try {
      const producer = await session.produceData('chat');
      this.producer = producer;
      producer.on('open', () => this.emit('ready', true));
      producer.on('close', () => this.emit('ready', false));
      producer.on('transportclose', () => this.emit('ready', false));
      if (producer.readyState === 'open') this.emit('ready', true);
    } catch (error) {
      // A server may offer SCTP and still refuse the chat: the room works without it.
      console.warn('chat is not available', error);
      this.emit('offered', false);
    }
  }

  detach(): void {
    if (!this.producer) return;
    this.producer = undefined;
    this.emit('ready', false);
  }

  /** Sends to everybody in the room; false if the channel is not open. */
  send(text: string): boolean {
    if (!this.producer || !this.ready) return false;
    this.producer.send(text.slice(0, maxChatLength));
    this.emit('message', { peerId: undefined, text, at: new Date() });
    return true;
  }

  receiveFrom(peerId: string | null, consumer: DataConsumer): void {
    consumer.on('message', (data: unknown) => {
      if (typeof data === 'string') this.emit('message', { peerId, text: data.slice(0, maxChatLength), at: new Date() });
    });
  }
}
