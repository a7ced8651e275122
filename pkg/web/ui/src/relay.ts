// Relays: TURN servers that the server names, over the transport that this visitor wants, if any.

/** How to reach the relay: over any transport, or over this one. */
export type Relay = 'any' | 'udp' | 'tcp' | 'tls';

/** What relay=… in the address means. */
export function relayOf(value: string | null): Relay {
  return value === 'udp' || value === 'tcp' || value === 'tls' ? value : 'any';
}

/** Those of the servers' URLs (RFC 7065) that lead to a relay over the transport; servers without any are left out. */
export function relayServers(servers: RTCIceServer[], relay: Relay | undefined): RTCIceServer[] {
  if (!relay || relay === 'any') return servers;
  return servers
    .map((server) => ({ ...server, urls: [server.urls].flat().filter((url) => transportOf(url) === relay) }))
    .filter((server) => server.urls.length > 0);
}

function transportOf(url: string): string {
  if (url.startsWith('turns:')) return 'tls';
  return /[?&]transport=tcp\b/.test(url) ? 'tcp' : 'udp';
}
