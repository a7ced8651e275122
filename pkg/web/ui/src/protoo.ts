// The protoo protocol, client side: requests both ways and notifications as JSON text over one WebSocket of
// subprotocol "protoo", which is opened again, with growing pauses, until close() or a final close code of the server.

import { Emitter } from './events.ts';

/** How long a request may wait for its answer. */
export const requestTimeoutMs = 30_000;

/** The close codes by which a server says: do not come back. */
export const closeCodes = { replaced: 4000, expelled: 4002, roomClosed: 4003, expired: 4004 } as const;

const finalCodes: ReadonlySet<number> = new Set(Object.values(closeCodes));

/** As browsers have it for a connection that was not closed in order (RFC 6455 section 7.1.5). */
const noCode = 1006;

const firstRetryMs = 400;
const maxRetryMs = 8_000;

/** What one text frame holds. Missing data counts as {}. */
export type Message =
  | { kind: 'request'; id: number; method: string; data: unknown }
  | { kind: 'notification'; method: string; data: unknown }
  | { kind: 'response'; id: number; ok: true; data: unknown }
  | { kind: 'response'; id: number; ok: false; errorCode: number; errorReason: string };

/** The server answered a request with ok:false. */
export class RequestError extends Error {
  constructor(readonly method: string, readonly code: number, readonly reason: string) {
    super(`${method}: ${reason} (${code})`);
    this.name = 'RequestError';
  }
}

/** The connection went away, or the server did not answer in time: nothing is known of the request's fate. */
export class ConnectionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConnectionError';
  }
}

/** Reads one frame; undefined if it is not a protoo message. */
export function decode(text: string): Message | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof raw !== 'object' || raw === null) return undefined;
  const m = raw as Record<string, unknown>;
  const data = m.data ?? {};
  const id = typeof m.id === 'number' ? m.id : undefined;
  const method = typeof m.method === 'string' && m.method !== '' ? m.method : undefined;
  if (m.request === true && id !== undefined && method) return { kind: 'request', id, method, data };
  if (m.notification === true && method) return { kind: 'notification', method, data };
  if (m.response !== true || id === undefined) return undefined;
  if (m.ok === true) return { kind: 'response', id, ok: true, data };
  return { kind: 'response', id, ok: false, errorCode: Number(m.errorCode ?? 500), errorReason: String(m.errorReason ?? '') };
}

/** Writes one frame, the inverse of decode. */
export function encode(m: Message): string {
  switch (m.kind) {
    case 'request': return JSON.stringify({ request: true, id: m.id, method: m.method, data: m.data });
    case 'notification': return JSON.stringify({ notification: true, method: m.method, data: m.data });
    case 'response': return JSON.stringify(m.ok
      ? { response: true, id: m.id, ok: true, data: m.data }
      : { response: true, id: m.id, ok: false, errorCode: m.errorCode, errorReason: m.errorReason });
  }
}

/** The pause before try n (from 0): doubling, capped, and spread by random in [0,1) so that a crowd does not return at once. */
export function retryDelayMs(n: number, random: number): number {
  const full = Math.min(maxRetryMs, firstRetryMs * 2 ** n);
  return full * (0.75 + random / 2);
}

interface Pending {
  resolve: (data: unknown) => void;
  reject: (error: Error) => void;
  timer: ReturnType<typeof setTimeout>;
}

interface Events {
  /** The socket is open: everything starts anew, the server knows nothing of the time before. */
  open: [];
  /** The socket is gone, or never opened. final: no retry follows. */
  close: [{ final: boolean; code: number; reason: string; opened: boolean }];
  notification: [method: string, data: unknown];
}

/** The answer to a request of the server: its value, or an error that becomes ok:false. */
export type RequestHandler = (method: string, data: unknown) => Promise<unknown>;

export class Protoo extends Emitter<Events> {
  private socket: WebSocket | undefined;
  private readonly pending = new Map<number, Pending>();
  private opened = false;
  private retries = 0;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private stopped = false;

  constructor(private readonly url: () => string, private readonly onRequest: RequestHandler) {
    super();
  }

  get connected(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  connect(): void {
    this.stopped = false;
    clearTimeout(this.retryTimer);
    if (this.socket) return;
    const socket = new WebSocket(this.url(), 'protoo');
    this.socket = socket;
    this.opened = false;
    // Every handler asks whether its socket is still the one: reset() leaves dead ones behind.
    socket.onopen = () => {
      if (socket !== this.socket) return;
      this.retries = 0;
      this.opened = true;
      this.emit('open');
    };
    socket.onmessage = (event) => {
      if (socket === this.socket && typeof event.data === 'string') this.receive(event.data);
    };
    socket.onclose = (event) => {
      if (socket === this.socket) this.lost(event.code, event.reason);
    };
  }

  /** Drops a connection that no longer answers and tries anew at once; close events of the old socket are ignored. */
  reset(): void {
    if (this.stopped) return;
    const old = this.socket;
    this.retries = 0;
    this.lost(noCode, 'no answer');
    old?.close();
    this.connect();
  }

  /** Ends the connection for good. */
  close(): void {
    this.stopped = true;
    clearTimeout(this.retryTimer);
    const old = this.socket;
    this.socket = undefined;
    this.rejectAll('left the room');
    old?.close(1000, 'bye');
  }

  /** Sends a request; rejects with RequestError (the server said no) or ConnectionError (nobody knows). */
  request<T>(method: string, data: unknown = {}, timeoutMs = requestTimeoutMs): Promise<T> {
    const socket = this.socket;
    if (!socket || socket.readyState !== WebSocket.OPEN) {
      return Promise.reject(new ConnectionError(`${method}: not connected`));
    }
    let id = Math.floor(Math.random() * 2 ** 31);
    while (this.pending.has(id)) id++;
    return new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.pending.delete(id);
        reject(new ConnectionError(`${method}: no answer in ${timeoutMs / 1000} s`));
      }, timeoutMs);
      const fail = (error: Error): void =>
        reject(error instanceof RequestError ? new RequestError(method, error.code, error.reason) : error);
      this.pending.set(id, { resolve, reject: fail, timer });
      socket.send(encode({ kind: 'request', id, method, data }));
    }) as Promise<T>;
  }

  private receive(text: string): void {
    const m = decode(text);
    if (!m) {
      console.warn('not a protoo message', text.slice(0, 200));
      return;
    }
    if (m.kind === 'notification') this.emit('notification', m.method, m.data);
    else if (m.kind === 'request') void this.answer(m.id, m.method, m.data);
    else this.settle(m);
  }

  private settle(m: Message & { kind: 'response' }): void {
    const pending = this.pending.get(m.id);
    if (!pending) return; // its time was over
    this.pending.delete(m.id);
    clearTimeout(pending.timer);
    if (m.ok) pending.resolve(m.data);
    else pending.reject(new RequestError('', m.errorCode, m.errorReason));
  }

  private async answer(id: number, method: string, data: unknown): Promise<void> {
    const socket = this.socket;
    let reply: Message;
    try {
      reply = { kind: 'response', id, ok: true, data: (await this.onRequest(method, data)) ?? {} };
    } catch (error) {
      const errorCode = error instanceof RequestError ? error.code : 500;
      reply = { kind: 'response', id, ok: false, errorCode, errorReason: String((error as Error)?.message ?? error) };
    }
    // An answer belongs to the connection that asked.
    if (socket === this.socket && socket?.readyState === WebSocket.OPEN) socket.send(encode(reply));
  }

  private lost(code: number, reason: string): void {
    if (!this.socket) return;
    const final = finalCodes.has(code);
    this.socket = undefined;
    this.rejectAll('connection lost');
    if (!final && !this.stopped) {
      clearTimeout(this.retryTimer);
      this.retryTimer = setTimeout(() => this.connect(), retryDelayMs(this.retries++, Math.random()));
    }
    this.emit('close', { final, code, reason, opened: this.opened });
  }

  private rejectAll(why: string): void {
    for (const pending of this.pending.values()) {
      clearTimeout(pending.timer);
      pending.reject(new ConnectionError(why));
    }
    this.pending.clear();
  }
}
