// window.gazpacho: the handle for tests and for the curious. Names here are stable.
//
//   room         RoomClient: state ("idle" | "joining" | "joined" | "reconnecting"), params, protoo, session, peers, publisher, chat
//   state        the room's state
//   peerId       one's own peer id
//   device       the loaded mediasoup-client Device, or undefined
//   peers        Map peerId → { id, displayName, device, media: Map consumerId → RemoteMedia }
//   producers    Map "mic" | "camera" | "screen" → mediasoup-client Producer
//   consumers    Map consumerId → RemoteMedia { id, peerId, source, kind, type, paused, layers, current, score, consumer }
//   transports   { send, recv }: mediasoup-client Transports, or undefined
//   events       every notification received: { at (ms since page start), method, data }, newest last, at most 1000
//   stats()      Promise of one flat object per consumer: consumerId, peerId, source, kind, paused, spatialLayer, temporalLayer, bytesReceived,
//                packetsReceived, packetsLost, jitter, framesDecoded, framesReceived, framesPerSecond, frameWidth, frameHeight, keyFramesDecoded,
//                freezeCount, nackCount, pliCount, totalSamplesReceived, concealedSamples, totalAudioEnergy, audioLevel, codec, timestamp,
//                roundTripTime
//   sent()       Promise of one object per sent encoding: source, rid, active, bytesSent, frameWidth, frameHeight, framesPerSecond, …
//   pixels(peerId, source = "camera")  { width, height, mean: [r,g,b], hash } of the picture shown now, or undefined before the first frame
//   mute(source, muted = true)   Promise; source "mic" | "camera" | "screen"
//   setLayers(peerId, spatialLayer, temporalLayer)  Promise of the server's answer, or without change at once
//   renewToken(token)  Promise; goes on with a new access token
//   restartIce()  Promise;  request(method, data)  Promise of any protoo request
//   dropConnection()  closes the WebSocket as a network loss would: the page must rejoin by itself
//   join(name?)   Promise, resolves once in the room;  leave()
//   marks        { start, joined, firstFrame: { consumerId: ms } } in ms of performance.now(): when joining began, when it was done, and
//                when each video showed its first frame
//
// In the document each tile is an element [data-peer=ID][data-source=camera|screen] with a <video>; class "live" once frames are shown,
// "speaking" with the active speaker's frame. Buttons are [data-action=mic|camera|screen|chat|stats|settings|leave].

import { Collector } from './collect.ts';
import type { RemoteMedia } from './peers.ts';
import type { RoomClient } from './roomclient.ts';
import type { RoomView } from './roomview.ts';
import type { Source } from './wire.ts';

const maxEvents = 1_000;

interface Marks {
  start: number;
  joined: number;
  firstFrame: Record<string, number>;
}

export interface TestHooks {
  room: RoomClient;
  view: RoomView;
  join: (name?: string) => Promise<void>;
  leave: () => void;
}

export function makeTestApi({ room, view, join, leave }: TestHooks) {
  const collector = new Collector(room);
  const events: { at: number; method: string; data: unknown }[] = [];
  const marks: Marks = { start: 0, joined: 0, firstFrame: {} };
  room.protoo.on('notification', (method, data) => {
    events.push({ at: performance.now(), method, data });
    if (events.length > maxEvents) events.shift();
  });
  room.on('state', (state) => {
    if (state === 'joining' || state === 'reconnecting') Object.assign(marks, { start: performance.now(), joined: 0, firstFrame: {} });
    if (state === 'joined') marks.joined = performance.now();
  });
  room.peers.on('media', (peer) => {
    for (const media of peer.media.values()) markFirstFrame(marks, media);
  });
  return {
    room,
    view,
    events,
    marks,
    get state() { return room.state; },
    get peerId() { return room.params.peerId; },
    get device() { return room.session?.loadedDevice; },
    get peers() { return room.peers.all; },
    get producers() { return room.publisher.producers; },
    get consumers(): Map<string, RemoteMedia> {
      return new Map([...room.peers.all.values()].flatMap((peer) => [...peer.media]));
    },
    get transports() {
      return { send: room.session?.transport('send'), recv: room.session?.transport('recv') };
    },
    async stats() {
      const { received, receiveRoundTrip } = await collector.collect();
      return [...received.values()].map(({ media, stats }) => ({
        consumerId: media.id, peerId: media.peerId, source: media.source, paused: media.paused,
        spatialLayer: media.current?.spatialLayer, temporalLayer: media.current?.temporalLayer,
        roundTripTime: receiveRoundTrip, ...stats,
      }));
    },
    async sent() {
      const { sent } = await collector.collect();
      return [...sent.values()].flatMap(({ source, encodings }) => encodings.map((encoding) => ({ source, ...encoding })));
    },
    pixels: (peerId: string, source: 'camera' | 'screen' = 'camera') => pixels(peerId, source),
    mute: (source: Source, muted = true) => room.publisher.set(source, !muted),
    setLayers: (peerId: string, spatial: number, temporal: number) => view.layers.choose(peerId, 'camera', { spatial, temporal }),
    renewToken: (token: string) => room.renewToken(token),
    restartIce: () => room.restartIce(),
    request: (method: string, data: unknown = {}) => room.protoo.request(method, data),
    dropConnection: () => room.protoo.reset(),
    join,
    leave,
  };
}

/** Notes when a consumer's first frame reaches a video element of the document. */
function markFirstFrame(marks: Marks, media: RemoteMedia): void {
  if (media.kind !== 'video' || media.id in marks.firstFrame) return;
  const video = document.querySelector<HTMLVideoElement>(
    `[data-peer="${CSS.escape(media.peerId)}"][data-source="${media.source}"] video`);
  const track = (video?.srcObject as MediaStream | null)?.getVideoTracks()[0];
  if (!video || track !== media.consumer.track) return;
  video.requestVideoFrameCallback?.(() => { marks.firstFrame[media.id] ??= performance.now(); });
}

/** Looks at the picture itself: means tell black from alive, the hash tells whether it moves. */
function pixels(peerId: string, source: string) {
  const video = document.querySelector<HTMLVideoElement>(`[data-peer="${CSS.escape(peerId)}"][data-source="${source}"] video`);
  if (!video || video.videoWidth === 0) return undefined;
  const canvas = document.createElement('canvas');
  canvas.width = 64;
  canvas.height = 36;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) return undefined;
  context.drawImage(video, 0, 0, canvas.width, canvas.height);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const sums = [0, 0, 0];
  let hash = 2166136261;
  data.forEach((value, i) => {
    if (i % 4 === 3) return;
    sums[i % 4]! += value;
    hash = Math.imul(hash ^ value, 16777619) >>> 0;
  });
  const count = canvas.width * canvas.height;
  return { width: video.videoWidth, height: video.videoHeight, mean: sums.map((sum) => Math.round(sum / count)), hash };
}
