// One joined life in a room: a loaded device, one transport to send and one to receive. When the connection to the server is
// lost for good a Session is thrown away as a whole and a new one is made: nothing in it survives a rejoin.

import { Device } from 'mediasoup-client';
import type {
  Consumer, DataConsumer, DataProducer, Producer, RtpCapabilities, IceParameters, SctpParameters, Transport, TransportOptions,
} from 'mediasoup-client/types';
import { Emitter } from './events.ts';
import { encodingsFor } from './encodings.ts';
import { ConnectionError, type Protoo } from './protoo.ts';
import { Recovery } from './recovery.ts';
import { relayServers, type Relay } from './relay.ts';
import { describeBrowser, type ConsumerInfo, type DataConsumerInfo, type PeerInfo, type Source, type TransportInfo } from './wire.ts';

export interface SessionOptions {
  forceTcp: boolean;
  /** Media by way of a relay only. */
  relay: Relay | undefined;
  simulcast: boolean;
  /** MIME type to prefer for video. */
  codec: string | undefined;
}

/** Which of the two transports to have. */
export interface Directions {
  send: boolean;
  recv: boolean;
}

/** An ICE restart is also a probe of the signaling connection, so it must not wait as long as other requests. */
const restartTimeoutMs = 6_000;

// The newest mediasoup-client does not tell these any more, but servers of the older protocol open SCTP only for who does.
const sctpCapabilities = { numStreams: { OS: 1024, MIS: 1024 } };

interface Events {
  /** True while media does not flow. */
  troubled: [boolean];
  /** The transports cannot be saved: rejoin. */
  failed: [];
  /** The server did not answer in time though the socket seems open. */
  silent: [];
}

type Direction = 'send' | 'recv';

export class Session extends Emitter<Events> {
  /** Present if the server offers data channels on both transports. */
  sctpParameters: SctpParameters | undefined;

  private device: Device | undefined;
  private readonly transports = new Map<Direction, Transport>();
  private readonly recoveries = new Map<Direction, Recovery>();
  private readonly troubles = new Set<Direction>();
  private closed = false;

  constructor(private readonly protoo: Protoo, private readonly options: SessionOptions, private readonly directions: Directions) {
    super();
  }

  get loadedDevice(): Device | undefined {
    return this.device;
  }

  transport(direction: Direction): Transport | undefined {
    return this.transports.get(direction);
  }

  /** Loads the device and makes the transports. The three questions are asked at once: they do not depend on each other. */
  async open(): Promise<void> {
    const [device, routerRtpCapabilities, send, recv] = await Promise.all([
      Device.factory(),
      this.protoo.request<RtpCapabilities>('getRouterRtpCapabilities'),
      this.directions.send ? this.createTransport('send') : undefined,
      this.directions.recv ? this.createTransport('recv') : undefined,
    ]);
    await device.load({ routerRtpCapabilities });
    this.device = device;
    if (this.closed) throw new ConnectionError('closed while opening');
    if (send) this.adopt('send', device.createSendTransport(this.path(send)));
    if (recv) this.adopt('recv', device.createRecvTransport(this.path(recv)));
    this.sctpParameters = send?.sctpParameters && recv?.sctpParameters;
  }

  async join(displayName: string): Promise<PeerInfo[]> {
    const device = this.mustDevice();
    const { peers } = await this.protoo.request<{ peers: PeerInfo[] }>('join', {
      displayName,
      device: describeBrowser(navigator.userAgent),
      rtpCapabilities: device.recvRtpCapabilities,
      sctpCapabilities: this.sctpParameters ? sctpCapabilities : undefined,
    });
    return peers ?? [];
  }

  async produce(source: Source, track: MediaStreamTrack): Promise<Producer> {
    const kind = source === 'mic' ? 'audio' : 'video';
    const capable = this.mustDevice().sendRtpCapabilities.codecs ?? [];
    const video = capable.filter((codec) => codec.kind === kind && !codec.mimeType.toLowerCase().endsWith('/rtx'));
    const wanted = this.options.codec?.toLowerCase();
    const codec = kind === 'video' && wanted ? video.find((c) => c.mimeType.toLowerCase() === wanted) : undefined;
    if (kind === 'video' && wanted && !codec) console.warn(`codec ${wanted} is not common to browser and server`);
    return this.mustTransport('send').produce({
      track,
      codec,
      encodings: encodingsFor(source, (codec ?? video[0])?.mimeType ?? '', this.options.simulcast),
      codecOptions: kind === 'audio' ? { opusDtx: true, opusFec: true, opusStereo: false } : { videoGoogleStartBitrate: 1000 },
      streamId: source === 'screen' ? 'screen' : 'person', // tracks of one stream are kept lip-synchronous
      stopTracks: false, // tracks belong to LocalMedia and outlive the session
      appData: { source },
    });
  }

  consume(info: ConsumerInfo, source: Source): Promise<Consumer> {
    return this.mustTransport('recv').consume({
      id: info.id,
      producerId: info.producerId,
      kind: info.kind,
      rtpParameters: info.rtpParameters,
      streamId: source === 'screen' ? `${info.peerId}-screen` : info.peerId,
    });
  }

  produceData(label: string): Promise<DataProducer> {
    return this.mustTransport('send').produceData({ ordered: true, label });
  }

  consumeData(info: DataConsumerInfo): Promise<DataConsumer> {
    return this.mustTransport('recv').consumeData({
      id: info.id,
      dataProducerId: info.dataProducerId,
      sctpStreamParameters: info.sctpStreamParameters,
      label: info.label,
      protocol: info.protocol,
    });
  }

  /** Restarts ICE on all transports. */
  async restartIce(): Promise<void> {
    await Promise.all([...this.transports.keys()].map((direction) => this.restart(direction)));
  }

  /** The network changed: do not wait until ICE notices. */
  kick(): void {
    for (const recovery of this.recoveries.values()) recovery.kick();
  }

  /** Goes on with new credentials of the relays: what is relayed now stays so, an ICE restart needs them. */
  async updateIceServers(servers: RTCIceServer[]): Promise<void> {
    const iceServers = relayServers(servers, this.options.relay);
    const open = [...this.transports.values()].filter((transport) => !transport.closed);
    await Promise.all(open.map((transport) => transport.updateIceServers({ iceServers })));
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const recovery of this.recoveries.values()) recovery.stop();
    for (const transport of this.transports.values()) transport.close();
  }

  private createTransport(direction: Direction): Promise<TransportInfo> {
    return this.protoo.request<TransportInfo>('createWebRtcTransport', {
      forceTcp: this.options.forceTcp,
      producing: direction === 'send',
      consuming: direction === 'recv',
      sctpCapabilities,
    });
  }

  /** Which ways media may take. */
  private path(info: TransportInfo): TransportInfo & Pick<TransportOptions, 'iceTransportPolicy'> {
    const { relay } = this.options;
    return { ...info, iceServers: relayServers(info.iceServers ?? [], relay), iceTransportPolicy: relay ? 'relay' : undefined };
  }

  private adopt(direction: Direction, transport: Transport): void {
    this.transports.set(direction, transport);
    const recovery = new Recovery({
      restart: () => this.restart(direction),
      giveUp: () => this.emit('failed'),
      troubled: (troubled) => {
        if (troubled) this.troubles.add(direction);
        else this.troubles.delete(direction);
        this.emit('troubled', this.troubles.size > 0);
      },
    });
    this.recoveries.set(direction, recovery);
    transport.on('connectionstatechange', (state) => recovery.observe(state));
    transport.on('connect', ({ dtlsParameters }, done, fail) => {
      this.protoo.request('connectWebRtcTransport', { transportId: transport.id, dtlsParameters }).then(() => done(), fail);
    });
    transport.on('produce', ({ kind, rtpParameters, appData }, done, fail) => {
      this.protoo.request<{ id: string }>('produce', { transportId: transport.id, kind, rtpParameters, appData }).then(done, fail);
    });
    transport.on('producedata', ({ sctpStreamParameters, label, protocol, appData }, done, fail) => {
      this.protoo.request<{ id: string }>('produceData',
        { transportId: transport.id, sctpStreamParameters, label, protocol, appData }).then(done, fail);
    });
  }

  private async restart(direction: Direction): Promise<void> {
    const transport = this.mustTransport(direction);
    let iceParameters: IceParameters;
    try {
      iceParameters = await this.protoo.request<IceParameters>('restartIce', { transportId: transport.id }, restartTimeoutMs);
    } catch (error) {
      // Without an answer the transport may well be alive: the connection to the server is what must be made anew.
      if (!(error instanceof ConnectionError)) throw error;
      if (this.protoo.connected && !this.closed) this.emit('silent');
      return;
    }
    if (!transport.closed) await transport.restartIce({ iceParameters });
  }

  private mustDevice(): Device {
    if (!this.device) throw new ConnectionError('not joined');
    return this.device;
  }

  private mustTransport(direction: Direction): Transport {
    const transport = this.transports.get(direction);
    if (!transport || this.closed) throw new ConnectionError('not joined');
    return transport;
  }
}
