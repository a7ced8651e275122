// Errors in plain words: what happened and what the visitor can do about it.

import { InsecureContextError } from './media.ts';
import { closeCodes, ConnectionError, RequestError } from './protoo.ts';
import type { Source } from './wire.ts';

const names: Record<Source | 'devices', string> = { mic: 'microphone', camera: 'camera', screen: 'screen', devices: 'camera and microphone' };

/** Why a device, or both, could not be opened or sent. undefined: the visitor changed their mind, nothing to say. */
export function captureText(source: Source | 'devices', error: unknown): string | undefined {
  const name = names[source];
  if (error instanceof InsecureContextError) {
    return `The browser gives the ${name} only to pages loaded over https. Open this page with an https address.`;
  }
  const kind = error instanceof Error || error instanceof DOMException ? error.name : '';
  switch (kind) {
    case 'NotAllowedError':
      if (source === 'screen') return undefined; // the picker was cancelled
      return `The browser may not use your ${name}. Allow it in the site settings beside the address, then try again.`;
    case 'SecurityError':
      return `The ${name} is blocked for this page by the browser or the system.`;
    case 'NotFoundError':
    case 'OverconstrainedError':
      return source === 'screen' ? 'There is no screen to share.' : `No ${name} was found. Plug one in, then try again.`;
    case 'NotReadableError':
    case 'TrackStartError':
      return `Your ${name} is busy. Close other programs that use it, then try again.`;
    case 'AbortError':
      return `Your ${name} stopped before it started. Try again.`;
    case 'UnsupportedError':
      return `The server takes no ${source === 'mic' ? 'audio' : 'video'} that this browser can send.`;
  }
  if (error instanceof RequestError) return `The server does not take your ${name}: ${sentence(error.reason)}`;
  return `Your ${name} could not be started: ${sentence(String((error as Error)?.message ?? error))}`;
}

/** Somebody who may do so ended what we sent. */
export function stoppedText(source: Source): string {
  return `Your ${names[source]} was switched off by a host of this room.`;
}

/** A device that worked went away. */
export function deviceLostText(source: 'mic' | 'camera'): string {
  return `Your ${names[source]} was disconnected. Others no longer ${source === 'mic' ? 'hear' : 'see'} you.`;
}

/** Why joining failed, or why the visitor is out of the room again. */
export function roomText(error: unknown): string {
  if (error instanceof RequestError) return requestText(error);
  if (error instanceof ConnectionError) return 'The server cannot be reached. Check your connection, then try again.';
  const message = String((error as Error)?.message ?? error);
  if ((error as Error)?.name === 'UnsupportedError') return `This browser cannot take part: ${sentence(message)}`;
  return `Joining failed: ${sentence(message)}`;
}

function requestText(error: RequestError): string {
  const reason = error.reason.toLowerCase();
  switch (error.code) {
    case closeCodes.replaced:
      return error.reason
        ? `The server ended your stay: ${sentence(error.reason)}`
        : 'The server ended your stay. Perhaps you joined from another window.';
    case closeCodes.expelled: return 'You were removed from the room.';
    case closeCodes.roomClosed: return 'The room was closed for everybody.';
    case closeCodes.expired: return 'Your access to this room has expired. Ask for a new link.';
    case 401: return `This link does not let you in: ${sentence(error.reason || 'it carries no access')} Ask for a new one.`;
    case 403: return `You may not enter this room: ${sentence(error.reason)}`;
  }
  if (error.code === 503 || /\bfull\b|too many|no worker|overload|capacity/.test(reason)) {
    return 'The server is full at the moment. Try again in a little while.';
  }
  return `The server refused: ${sentence(error.reason || `error ${error.code}`)}`;
}

/** A text of others as a sentence of ours: capital first, full stop last. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (!trimmed) return '';
  const first = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
