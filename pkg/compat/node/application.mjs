import protoo from 'protoo-client';
import { FakeMediaStreamTrack } from 'fake-mediastreamtrack';
import { Inbox } from './inbox.mjs';

// The ages of mediasoup-client that are tried: what an application was built with stays as it is for years.
export const ages = {
	'mediasoup-client': {
		library: 'mediasoup-client',
		handler: 'mediasoup-client/handlers/FakeHandler',
		parameters: 'mediasoup-client/fakeParameters',
	},
	'mediasoup-client-2024': {
		library: 'mediasoup-client-2024',
		handler: 'mediasoup-client-2024/lib/handlers/FakeHandler.js',
		parameters: 'mediasoup-client-2024/lib/test/fakeParameters.js',
	},
};

// load makes the libraries of an age those of all applications.
let libraries;
export async function load(age) {
	const { Device, parseScalabilityMode } = await import(age.library);
	const { FakeHandler } = await import(age.handler);
	libraries = { Device, FakeHandler, parameters: await import(age.parameters) };
	return { parseScalabilityMode };
}

// What the demo's application asks of a camera: three layers of simulcast.
const simulcast = [
	{ scaleResolutionDownBy: 4, maxBitrate: 500_000, scalabilityMode: 'L1T3' },
	{ scaleResolutionDownBy: 2, maxBitrate: 1_000_000, scalabilityMode: 'L1T3' },
	{ scaleResolutionDownBy: 1, maxBitrate: 5_000_000, scalabilityMode: 'L1T3' },
];

// An Application is one page of the demo: it does in the demo's order what the demo's page does, with the same two libraries. Only the
// handler below them, which would be the browser's WebRTC, is the one that mediasoup-client's own tests use.
export class Application {
	inbox = new Inbox();
	consumers = new Map();
	dataConsumers = new Map();
	peers = new Map();
	refuse = () => false; // tells which of the server's requests to refuse

	constructor(url, roomId, peerId, { forceTcp = false, query = '' } = {}) {
		Object.assign(this, { peerId, forceTcp });
		const transport = new protoo.WebSocketTransport(
			`${url}/?roomId=${encodeURIComponent(roomId)}&peerId=${encodeURIComponent(peerId)}${query}`,
		);
		this.protoo = new protoo.Peer(transport);
		for (const event of ['open', 'failed', 'disconnected', 'close']) {
			this.protoo.on(event, () => this.inbox.put('event', event));
		}
		this.protoo.on('request', (request, accept, reject) => this.#requested(request, accept, reject));
		this.protoo.on('notification', ({ method, data }) => this.#notified(method, data));
	}

	// open waits for the connection.
	async open() {
		await this.inbox.next('open');
		return this;
	}

	request(method, data) {
		return this.protoo.request(method, data);
	}

	get recvRtpCapabilities() {
		return this.device.recvRtpCapabilities ?? this.device.rtpCapabilities;
	}

	// join does all that lies between an open connection and being seen by the others.
	async join(displayName = this.peerId) {
		this.device = new libraries.Device({ handlerFactory: libraries.FakeHandler.createFactory(libraries.parameters) });
		await this.device.load({ routerRtpCapabilities: await this.request('getRouterRtpCapabilities') });
		await this.#createSendTransport();
		await this.#createRecvTransport();
		const { peers } = await this.request('join', {
			displayName,
			device: { flag: 'chrome', name: 'Chrome', version: '126.0' },
			rtpCapabilities: this.recvRtpCapabilities,
			sctpCapabilities: this.device.sctpCapabilities,
		});
		this.peers = new Map(peers.map((p) => [p.id, p]));
		return this;
	}

	async #createSendTransport() {
		this.sendInfo = await this.#createTransport({ producing: true, consuming: false });
		const t = this.device.createSendTransport(this.#options(this.sendInfo));
		this.#connects(t);
		t.on('produce', ({ kind, rtpParameters, appData }, done, failed) => {
			this.request('produce', { transportId: t.id, kind, rtpParameters, appData }).then(done, failed);
		});
		t.on('producedata', ({ sctpStreamParameters, label, protocol, appData }, done, failed) => {
			this.request('produceData', { transportId: t.id, sctpStreamParameters, label, protocol, appData }).then(done, failed);
		});
		this.sendTransport = t;
	}

	async #createRecvTransport() {
		this.recvInfo = await this.#createTransport({ producing: false, consuming: true });
		this.recvTransport = this.device.createRecvTransport(this.#options(this.recvInfo));
		this.#connects(this.recvTransport);
	}

	#createTransport(direction) {
		const { sctpCapabilities } = this.device; // which new clients do not have
		return this.request('createWebRtcTransport', { forceTcp: this.forceTcp, ...direction, sctpCapabilities });
	}

	#options({ id, iceParameters, iceCandidates, dtlsParameters, sctpParameters }) {
		return { id, iceParameters, iceCandidates, dtlsParameters: { ...dtlsParameters, role: 'auto' }, sctpParameters, iceServers: [] };
	}

	#connects(transport) {
		transport.on('connect', ({ dtlsParameters }, done, failed) => {
			this.request('connectWebRtcTransport', { transportId: transport.id, dtlsParameters }).then(done, failed);
		});
	}

	// produce sends a microphone or a camera.
	produce(kind, appData = { source: kind }) {
		const track = new FakeMediaStreamTrack({ kind });
		return this.sendTransport.produce({
			track,
			appData,
			encodings: kind === 'video' ? simulcast.map((e) => ({ ...e })) : undefined,
			codecOptions: kind === 'video' ? { videoGoogleStartBitrate: 1000 } : { opusStereo: true, opusDtx: true, opusFec: true, opusNack: true },
		});
	}

	async #requested({ method, data }, accept, reject) {
		try {
			if (this.refuse(method, data)) {
				reject(403, 'I do not want to');
			} else if (method === 'newConsumer') {
				const { peerId, producerId, id, kind, rtpParameters, appData } = data;
				const consumer = await this.recvTransport.consume({
					id, producerId, kind, rtpParameters, streamId: `${peerId}-share`, appData: { ...appData, peerId },
				});
				this.consumers.set(id, consumer);
				accept();
			} else if (method === 'newDataConsumer') {
				const { peerId, dataProducerId, id, sctpStreamParameters, label, protocol, appData } = data;
				const dataConsumer = await this.recvTransport.consumeData({
					id, dataProducerId, sctpStreamParameters, label, protocol, appData: { ...appData, peerId },
				});
				this.dataConsumers.set(id, dataConsumer);
				accept();
			} else {
				reject(404, `no ${method} here`);
			}
		} catch (error) {
			reject(error);
			this.failed ??= error;
		}
		this.inbox.put('request', method, data);
	}

	#notified(method, data) {
		if (method === 'consumerClosed') this.consumers.get(data.consumerId)?.close();
		if (method === 'consumerPaused') this.consumers.get(data.consumerId)?.pause();
		if (method === 'consumerResumed') this.consumers.get(data.consumerId)?.resume();
		if (method === 'dataConsumerClosed') this.dataConsumers.get(data.dataConsumerId)?.close();
		if (method === 'newPeer') this.peers.set(data.id, data);
		if (method === 'peerClosed') this.peers.delete(data.peerId);
		this.inbox.put('notification', method, data);
	}

	// leave closes all, as the page does.
	leave() {
		this.protoo.close();
		this.sendTransport?.close();
		this.recvTransport?.close();
		if (this.failed) throw this.failed;
	}
}
