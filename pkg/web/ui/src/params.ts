// What the address of the page says. Links carry the room; tests and demos the rest:
//   roomId=R (or #R)   the room; made up and written into the address if absent
//   name=N             display name          peerId=P      fixed peer id instead of a random one
//   autojoin=1         join without the form audio=0 video=0 join with microphone or camera off
//   forceTcp=1         media over TCP only   codec=h264|vp8|vp9  codec to send video with
//   simulcast=0        one video encoding    autolayers=0  leave the choice of layers to server and person
//   relay=1|udp|tcp|tls  media through a relay (TURN) only, over any transport or over one
//   token=T            access token; it leaves the address at once, so that a copied link does not hand it on

import { relayOf, type Relay } from './relay.ts';

export interface Params {
  roomId: string;
  /** True if the address did not name a room. */
  roomIsNew: boolean;
  peerId: string;
  name: string;
  /** Access token, or empty. */
  token: string;
  autojoin: boolean;
  audio: boolean;
  video: boolean;
  forceTcp: boolean;
  /** Media by way of a relay only, reached over this transport. */
  relay: Relay | undefined;
  simulcast: boolean;
  autoLayers: boolean;
  /** MIME type such as "video/H264", or undefined for the browser's and server's first common one. */
  codec: string | undefined;
}

const words = ['basil', 'tomato', 'garlic', 'olive', 'pepper', 'cumin', 'sherry', 'mint', 'fig', 'lime', 'thyme', 'almond'];
const codecs: Record<string, string> = { h264: 'video/H264', vp8: 'video/VP8', vp9: 'video/VP9', av1: 'video/AV1' };

/** A name for a new room: two different words that can be spoken and 20 bits that cannot be guessed along. */
export function randomRoomId(random: () => number): string {
  const first = Math.floor(random() * words.length);
  const second = (first + 1 + Math.floor(random() * (words.length - 1))) % words.length;
  return `${words[first]}-${words[second]}-${Math.floor(random() * 2 ** 20).toString(36)}`;
}

/** Reads a page address. random yields numbers in [0,1), as Math.random does. */
export function parseParams(address: URL, random: () => number): Params {
  const query = address.searchParams;
  const flag = (name: string, fallback: boolean): boolean => {
    const value = query.get(name);
    return value === null ? fallback : value !== '0' && value !== 'false';
  };
  const fragment = decodeFragment(address.hash.slice(1));
  const named = (query.get('roomId') || fragment || '').trim();
  return {
    roomId: named || randomRoomId(random),
    roomIsNew: named === '',
    peerId: query.get('peerId') || Math.floor(random() * 2 ** 52).toString(36),
    name: (query.get('name') ?? '').trim(),
    token: (query.get('token') ?? '').trim(),
    autojoin: flag('autojoin', false),
    audio: flag('audio', true),
    video: flag('video', true),
    forceTcp: flag('forceTcp', false),
    relay: flag('relay', false) ? relayOf(query.get('relay')) : undefined,
    simulcast: flag('simulcast', true),
    autoLayers: flag('autolayers', true),
    codec: codecs[(query.get('codec') ?? '').toLowerCase()],
  };
}

function decodeFragment(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return ''; // a stray % is no room name
  }
}

/** The link that brings others into the room: the room and nothing about this visitor. */
export function inviteLink(address: URL, roomId: string): string {
  const link = new URL(address.pathname, address.origin);
  link.searchParams.set('roomId', roomId);
  return link.href;
}

/** The address of the signaling WebSocket: same host and port as the page. Browsers let no other place for the token. */
export function signalingUrl(address: URL, roomId: string, peerId: string, token = ''): string {
  const url = new URL('/', address.origin);
  url.protocol = address.protocol === 'http:' ? 'ws:' : 'wss:';
  url.searchParams.set('roomId', roomId);
  url.searchParams.set('peerId', peerId);
  if (token) url.searchParams.set('token', token);
  return url.href;
}
