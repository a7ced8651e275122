// A conference of one room, made with mediasoup's library as npm has it, on whichever worker MEDIASOUP_WORKER_BIN says.
// Pages ask by POST /call {peer, method, data}, and hear at /events?peer=NAME what happens to what they consume.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import * as mediasoup from 'mediasoup';

const { HOST = '127.0.0.1', PORT = '0', BUNDLE = 'dist/page.js' } = process.env;
const rtcpFeedback = ['nack', 'nack pli', 'ccm fir', 'goog-remb', 'transport-cc'].map(text => {
	const [type, parameter = ''] = text.split(' ');
	return { type, parameter };
});
const worker = await mediasoup.createWorker({ logLevel: 'warn' });
const router = await worker.createRouter({
	mediaCodecs: [
		{ kind: 'audio', mimeType: 'audio/opus', clockRate: 48000, channels: 2 },
		{ kind: 'video', mimeType: 'video/VP8', clockRate: 90000, rtcpFeedback },
	],
});
const levels = await router.createAudioLevelObserver({ threshold: -80, interval: 200 });
const peers = new Map(); // by name: what a page has made, by id

levels.on('volumes', volumes => tell('volumes', volumes.map(({ producer, volume }) => ({ peer: producer.appData.peer, volume }))));

function tell(event, data, to = peers.values()) {
	for (const { events } of to) {
		events?.write(`data: ${JSON.stringify({ event, ...(Array.isArray(data) ? { list: data } : data) })}\n\n`);
	}
}

// Whatever the library says of what a page consumes, the page is told.
function relay(peer, object, kind, events) {
	for (const event of events) {
		object.on(event, value => tell(event, { kind, id: object.id, value }, [peer]));
	}
}

const methods = {
	capabilities: () => router.rtpCapabilities,
	async transport(peer) {
		const transport = await router.createWebRtcTransport({ listenInfos: ['udp', 'tcp'].map(protocol => ({ protocol, ip: HOST })), enableSctp: true });
		peer.made.set(transport.id, transport);
		const { id, iceParameters, iceCandidates, dtlsParameters, sctpParameters } = transport;
		return { id, iceParameters, iceCandidates, dtlsParameters, sctpParameters };
	},
	connect: (peer, { id, dtlsParameters }) => peer.made.get(id).connect({ dtlsParameters }),
	async produce(peer, { id, kind, rtpParameters }) {
		const producer = await peer.made.get(id).produce({ kind, rtpParameters, appData: { peer: peer.name } });
		peer.made.set(producer.id, producer);
		if (kind === 'audio') {
			await levels.addProducer({ producerId: producer.id });
		}
		tell('produced', { peer: peer.name, kind, id: producer.id });
		return { id: producer.id };
	},
	async produceData(peer, { id, sctpStreamParameters, label }) {
		const producer = await peer.made.get(id).produceData({ sctpStreamParameters, label, appData: { peer: peer.name } });
		peer.made.set(producer.id, producer);
		tell('produced', { peer: peer.name, kind: 'data', id: producer.id });
		return { id: producer.id };
	},
	async consume(peer, { id, producerId, rtpCapabilities }) {
		const consumer = await peer.made.get(id).consume({ producerId, rtpCapabilities, paused: true });
		peer.made.set(consumer.id, consumer);
		relay(peer, consumer, consumer.kind, ['producerclose', 'producerpause', 'producerresume', 'layerschange', 'score']);
		return { id: consumer.id, producerId, kind: consumer.kind, rtpParameters: consumer.rtpParameters, type: consumer.type };
	},
	async consumeData(peer, { id, dataProducerId }) {
		const consumer = await peer.made.get(id).consumeData({ dataProducerId });
		peer.made.set(consumer.id, consumer);
		relay(peer, consumer, 'data', ['dataproducerclose']);
		return { id: consumer.id, dataProducerId, sctpStreamParameters: consumer.sctpStreamParameters, label: consumer.label };
	},
	// Pausing, resuming, closing, layers, key frames and statistics: what the library has for each.
	async ask(peer, { id, what, value }) {
		if (!['pause', 'resume', 'close', 'setPreferredLayers', 'setPriority', 'requestKeyFrame', 'getStats', 'dump', 'restartIce'].includes(what)) {
			throw new Error(`nothing asks for ${what}`);
		}
		return peer.made.get(id)[what](value);
	},
	producers: peer => [...peers.values()].filter(other => other !== peer).flatMap(other => [...other.made.values()]
		.filter(made => !made.closed && made.appData.peer === other.name)
		.map(made => ({ peer: other.name, kind: made.kind ?? 'data', id: made.id }))),
};

async function answer(request, response) {
	const url = new URL(request.url, 'http://here');
	if (url.pathname === '/events') {
		const name = url.searchParams.get('peer');
		response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
		peers.set(name, { name, events: response, made: new Map() });
		request.on('close', () => {
			peers.get(name).made.forEach(made => made.close());
			peers.delete(name);
		});
	} else if (url.pathname === '/call') {
		const { peer, method, data } = JSON.parse(Buffer.concat(await request.toArray()));
		response.end(JSON.stringify(await methods[method](peers.get(peer), data) ?? null));
	} else {
		const script = url.pathname === '/page.js';
		response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
		response.end(await readFile(script ? BUNDLE : new URL('page.html', import.meta.url)));
	}
}

const server = createServer((request, response) => answer(request, response).catch(error => response.writeHead(500).end(String(error))));
worker.on('died', error => {
	console.log(JSON.stringify({ died: error.message }));
	process.exit(1);
});
worker.on('subprocessclose', () => process.exit()); // SIGINT and SIGTERM have the library close its workers
server.listen(Number(PORT), HOST, () => console.log(JSON.stringify({
	url: `http://${HOST}:${server.address().port}`, worker: worker.pid, version: mediasoup.version,
})));
