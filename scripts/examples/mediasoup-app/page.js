// A page of the conference: it sends its camera in three sizes, its microphone and messages, and shows what the others send.
import { Device } from 'mediasoup-client';

const name = new URL(location.href).searchParams.get('peer') ?? `guest${Math.floor(Math.random() * 1000)}`;
const device = new Device();
const consumers = new Map(); // by the producer's id
const heard = []; // every event
const messages = []; // every message
const app = { name, device, consumers, heard, messages, producers: {}, state: 'new', call, stats, ask, say };
window.app = app;

async function call(method, data = {}) {
	const response = await fetch('/call', { method: 'POST', body: JSON.stringify({ peer: name, method, data }) });
	if (!response.ok) {
		throw new Error(await response.text());
	}
	return response.json();
}

function ask(id, what, value) {
	return call('ask', { id, what, value });
}

function say(text) {
	app.producers.data.send(text);
}

function log(text) {
	const element = document.getElementById('log');
	element.textContent = `${element.textContent}${text}\n`.split('\n').slice(-12).join('\n');
}

async function transport(direction) {
	const options = await call('transport');
	const made = direction === 'send' ? device.createSendTransport(options) : device.createRecvTransport(options);
	made.on('connect', ({ dtlsParameters }, done, failed) => call('connect', { id: made.id, dtlsParameters }).then(done, failed));
	made.on('produce', ({ kind, rtpParameters }, done, failed) => call('produce', { id: made.id, kind, rtpParameters }).then(done, failed));
	made.on('producedata', ({ sctpStreamParameters, label }, done, failed) =>
		call('produceData', { id: made.id, sctpStreamParameters, label }).then(done, failed));
	return made;
}

function show(peer, kind, track) {
	let figure = document.querySelector(`[data-peer="${peer}"]`);
	if (!figure) {
		figure = document.createElement('figure');
		figure.dataset.peer = peer;
		figure.innerHTML = '<video autoplay playsinline></video><figcaption></figcaption>';
		figure.querySelector('figcaption').textContent = peer;
		document.querySelector('main').append(figure);
	}
	const element = figure.querySelector('video');
	element.muted = peer === name;
	const stream = element.srcObject ?? new MediaStream();
	stream.addTrack(track);
	element.srcObject = stream;
}

async function consume({ peer, kind, id }) {
	if (consumers.has(id)) {
		return;
	}
	consumers.set(id, undefined); // on its way
	if (kind === 'data') {
		const consumer = await app.receive.consumeData(await call('consumeData', { id: app.receive.id, dataProducerId: id }));
		consumer.on('message', text => {
			messages.push({ peer, text });
			log(`${peer} says ${text}`);
		});
		consumers.set(id, { peer, kind, consumer });
		return;
	}
	const consumer = await app.receive.consume(await call('consume', { id: app.receive.id, producerId: id, rtpCapabilities: device.rtpCapabilities }));
	consumers.set(id, { peer, kind, consumer });
	show(peer, kind, consumer.track);
	await ask(consumer.id, 'resume');
}

// forget closes a consumer whose producer is gone.
function forget({ id, event }) {
	for (const [producer, entry] of consumers) {
		if (entry?.consumer.id === id && event.endsWith('producerclose')) {
			entry.consumer.close();
			consumers.delete(producer);
		}
	}
}

// stats are those of the browser about what it receives.
async function stats() {
	const list = [];
	for (const { peer, kind, consumer } of [...consumers.values()].filter(entry => entry)) {
		if (kind !== 'data') {
			const inbound = [...(await consumer.getStats()).values()].find(s => s.type === 'inbound-rtp');
			list.push({ peer, kind, id: consumer.id, ...inbound, consumer: consumer.id });
		}
	}
	return list;
}

async function start() {
	const events = new EventSource(`/events?peer=${encodeURIComponent(name)}`);
	await new Promise((resolve, reject) => Object.assign(events, { onopen: resolve, onerror: reject }));
	events.onmessage = ({ data }) => {
		const event = JSON.parse(data);
		heard.push(event);
		if (event.event !== 'volumes') {
			log(data);
		}
		if (event.event === 'produced' && event.peer !== name && app.receive) {
			consume(event);
		}
		forget(event);
	};
	await device.load({ routerRtpCapabilities: await call('capabilities') });
	app.receive = await transport('receive');
	app.send = await transport('send');
	const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 1280, height: 720 } });
	const [audio] = stream.getAudioTracks();
	const [video] = stream.getVideoTracks();
	show(name, 'video', video);
	app.producers.audio = await app.send.produce({ track: audio });
	app.producers.video = await app.send.produce({
		track: video,
		encodings: [[4, 150_000], [2, 500_000], [1, 1_500_000]].map(([scaleResolutionDownBy, maxBitrate]) => ({ scaleResolutionDownBy, maxBitrate, scalabilityMode: 'L1T3' })),
		codecOptions: { videoGoogleStartBitrate: 1000 },
	});
	app.producers.data = await app.send.produceData({ label: 'chat' });
	await Promise.all((await call('producers')).map(consume));
	app.state = 'joined';
}

start().catch(error => {
	app.state = String(error);
	log(app.state);
	throw error;
});
