// What this visitor may do here. A server without access tokens allows everything; one with them says why it refuses, which the
// browser hides when it is a WebSocket that was refused.

import { RequestError } from './protoo.ts';

/** How long to wait for the answer: without one the page goes on, and the server refuses what it does not allow. */
const timeoutMs = 5_000;

export interface Access {
  audio: boolean;
  video: boolean;
  subscribe: boolean;
  data: boolean;
}

export const everything: Access = { audio: true, video: true, subscribe: true, data: true };

/** The part of the answer that matters to a page. */
export interface AccessBody {
  canPublish?: boolean | { kinds?: string[] };
  canSubscribe?: boolean;
  canPublishData?: boolean;
}

/** Reads an answer of the server. */
export function accessOf(body: AccessBody): Access {
  const publish = body.canPublish;
  const may = (kind: string): boolean => (typeof publish === 'object' ? (publish.kinds ?? []).includes(kind) : publish === true);
  return { audio: may('audio'), video: may('video'), subscribe: body.canSubscribe === true, data: body.canPublishData === true };
}

/** The address that tells what a token allows. */
export function accessUrl(address: URL, roomId: string, peerId: string): string {
  const url = new URL('/access', address.origin);
  url.searchParams.set('roomId', roomId);
  url.searchParams.set('peerId', peerId);
  return url.href;
}

/** Asks the server. Rejects with RequestError 401 or 403 if it lets nobody in with this token; all other trouble counts as no answer. */
export async function askAccess(address: URL, roomId: string, peerId: string, token: string): Promise<Access> {
  let answer: Response;
  try {
    answer = await fetch(accessUrl(address, roomId, peerId), {
      headers: token ? { Authorization: `Bearer ${token}` } : {}, cache: 'no-store', signal: AbortSignal.timeout(timeoutMs),
    });
  } catch {
    return everything;
  }
  if (answer.status === 401 || answer.status === 403) {
    throw new RequestError('access', answer.status, (await answer.text().catch(() => '')).trim());
  }
  if (!answer.ok) return everything;
  return answer.json().then((body: AccessBody) => accessOf(body), () => everything);
}
