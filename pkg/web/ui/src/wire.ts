// What the server and this page say to each other inside protoo messages: the room protocol of mediasoup's demo server.

import type { MediaKind, RtpParameters, SctpStreamParameters, TransportOptions } from 'mediasoup-client/types';

export interface DeviceInfo {
  flag: string;
  name: string;
  version: string;
}

export interface PeerInfo {
  id: string;
  displayName: string;
  device: DeviceInfo;
}

/** Answer to createWebRtcTransport: what mediasoup-client needs, iceServers only if the server offers TURN. */
export type TransportInfo = Pick<TransportOptions,
  'id' | 'iceParameters' | 'iceCandidates' | 'dtlsParameters' | 'sctpParameters' | 'iceServers'>;

/** Request newConsumer of the server. The consumer starts to flow once it is answered. */
export interface ConsumerInfo {
  peerId: string;
  producerId: string;
  id: string;
  kind: MediaKind;
  rtpParameters: RtpParameters;
  type: 'simple' | 'simulcast' | 'svc' | 'pipe';
  appData: Record<string, unknown>;
  producerPaused: boolean;
}

/** Request newDataConsumer of the server; peerId is null for messages of the server itself. */
export interface DataConsumerInfo {
  peerId: string | null;
  dataProducerId: string;
  id: string;
  sctpStreamParameters: SctpStreamParameters;
  label: string;
  protocol: string;
  appData: Record<string, unknown>;
}

export interface ConsumerScore {
  score: number;
  producerScore: number;
  producerScores: number[];
}

/** What a person sends: at most one producer each. */
export type Source = 'mic' | 'camera' | 'screen';

export const sources: readonly Source[] = ['mic', 'camera', 'screen'];

/** The source of a consumed producer. Other clients mark a shared screen as {share:true} or source "screensharing". */
export function sourceOf(kind: MediaKind, appData: Record<string, unknown>): Source {
  if (kind === 'audio') return 'mic';
  const screen = appData.share === true || appData.source === 'screen' || appData.source === 'screensharing';
  return screen ? 'screen' : 'camera';
}

/** This browser as shown to others; unknown ones are just "Browser". */
export function describeBrowser(userAgent: string): DeviceInfo {
  const known: [flag: string, name: string, pattern: RegExp][] = [
    ['edge', 'Edge', /Edg(?:e|A|iOS)?\/([\d.]+)/],
    ['opera', 'Opera', /OPR\/([\d.]+)/],
    ['firefox', 'Firefox', /(?:Firefox|FxiOS)\/([\d.]+)/],
    ['chrome', 'Chrome', /(?:HeadlessChrome|Chrome|CriOS)\/([\d.]+)/],
    ['safari', 'Safari', /Version\/([\d.]+).*Safari/],
  ];
  for (const [flag, name, pattern] of known) {
    const match = pattern.exec(userAgent);
    if (match) return { flag, name, version: match[1] ?? '' };
  }
  return { flag: 'browser', name: 'Browser', version: '' };
}
