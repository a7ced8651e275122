import assert from 'node:assert/strict';

// Every scenario is what pages of the demo do together, and what each must hear of it.

const keysOf = (o) => Object.keys(o).sort();

export async function meeting(stage) {
	const a = await stage.connect('a');
	const { version } = await a.inbox.next('mediasoup-version');
	assert.equal(typeof version, 'string');
	await a.join('Anna');
	assert.equal(a.peers.size, 0);
	assert.ok(a.device.canProduce('audio') && a.device.canProduce('video'));

	const b = await stage.connect('b');
	await b.join('Bob');
	assert.deepEqual([...b.peers.values()], [{ id: 'a', displayName: 'Anna', device: { flag: 'chrome', name: 'Chrome', version: '126.0' } }]);
	assert.deepEqual(await a.inbox.next('newPeer'), { id: 'b', displayName: 'Bob', device: { flag: 'chrome', name: 'Chrome', version: '126.0' } });
	assert.equal(b.inbox.count('newPeer'), 0);

	// What is made before the other comes and what is made while it is there arrives alike.
	for (const kind of ['audio', 'video']) {
		const producer = await a.produce(kind, { source: kind, share: true });
		const offer = await b.inbox.next('newConsumer');
		isOffer(stage, offer, { from: 'a', producer, kind });
		assert.deepEqual(offer.appData, { source: kind, share: true, peerId: 'a' });
		const consumer = b.consumers.get(offer.id);
		assert.equal(consumer.track.kind, kind);
		const { score } = await b.inbox.next('consumerScore', (d) => d.consumerId === offer.id);
		isScore(score, kind);
	}
	const c = await stage.join('c');
	assert.deepEqual(new Set(c.peers.keys()), new Set(['a', 'b']));
	const offers = [await c.inbox.next('newConsumer'), await c.inbox.next('newConsumer')];
	assert.deepEqual(offers.map((o) => o.kind), ['audio', 'video']);
	assert.equal(a.inbox.count('newConsumer'), 0);

	a.leave();
	for (const other of [b, c]) {
		assert.deepEqual(await other.inbox.next('peerClosed'), { peerId: 'a' });
		await other.inbox.next('consumerClosed');
		await other.inbox.next('consumerClosed');
		assert.ok([...other.consumers.values()].every((consumer) => consumer.closed));
	}
	assert.deepEqual([...c.peers.keys()], ['b']);
}

// isOffer checks what a newConsumer request must have for mediasoup-client and for the demo's page.
function isOffer(stage, offer, { from, producer, kind }) {
	assert.deepEqual(keysOf(offer), ['appData', 'id', 'kind', 'peerId', 'producerId', 'producerPaused', 'rtpParameters', 'type']);
	assert.equal(offer.peerId, from);
	assert.equal(offer.producerId, producer.id);
	assert.equal(offer.kind, kind);
	assert.equal(offer.type, kind === 'video' ? 'simulcast' : 'simple');
	assert.equal(offer.producerPaused, false);
	const { codecs, encodings, headerExtensions, mid, rtcp } = offer.rtpParameters;
	assert.deepEqual(codecs.map((c) => c.mimeType), kind === 'video' ? ['video/VP8', 'video/rtx'] : ['audio/opus']);
	assert.equal(encodings.length, 1);
	assert.equal(typeof encodings[0].ssrc, 'number');
	assert.ok(headerExtensions.length > 0);
	assert.equal(typeof mid, 'string');
	assert.equal(typeof rtcp.cname, 'string');
	if (kind === 'video') {
		// The page reads from it which layers it can choose.
		assert.deepEqual(stage.parseScalabilityMode(encodings[0].scalabilityMode), { spatialLayers: 3, temporalLayers: 3 });
		assert.equal(encodings[0].maxBitrate, 5_000_000);
		assert.equal(encodings[0].rtx.ssrc, encodings[0].ssrc + 1);
	}
}

function isScore(score, kind) {
	assert.deepEqual(keysOf(score), ['producerScore', 'producerScores', 'score']);
	assert.equal(typeof score.score, 'number');
	assert.equal(typeof score.producerScore, 'number');
	assert.equal(score.producerScores.length, kind === 'video' ? 3 : 1);
}

// pair is two peers, of which one sends both kinds of media to the other.
async function pair(stage, options) {
	const [from, to] = [await stage.join('from', options), await stage.join('to', options)];
	const made = {};
	for (const kind of ['audio', 'video']) {
		const producer = await from.produce(kind);
		const offer = await to.inbox.next('newConsumer', (d) => d.producerId === producer.id);
		await to.inbox.next('consumerScore', (d) => d.consumerId === offer.id);
		made[kind] = { producer, producerId: producer.id, consumer: to.consumers.get(offer.id), consumerId: offer.id };
	}
	return { from, to, ...made };
}

export async function muting(stage) {
	const { from, to, audio, video } = await pair(stage);
	for (const { producer, producerId, consumer, consumerId } of [audio, video]) {
		producer.pause();
		await from.request('pauseProducer', { producerId });
		assert.deepEqual(await to.inbox.next('consumerPaused'), { consumerId });
		assert.ok(consumer.paused);
		producer.resume();
		await from.request('resumeProducer', { producerId });
		assert.deepEqual(await to.inbox.next('consumerResumed'), { consumerId });
		assert.ok(!consumer.paused);
	}
	// Who comes later learns what is muted.
	await from.request('pauseProducer', { producerId: audio.producerId });
	const late = await stage.join('late');
	const offers = [await late.inbox.next('newConsumer'), await late.inbox.next('newConsumer')];
	assert.deepEqual(offers.map((o) => o.producerPaused), [true, false]);

	// Turning the camera off closes its producer.
	video.producer.close();
	await from.request('closeProducer', { producerId: video.producerId });
	assert.deepEqual(await to.inbox.next('consumerClosed'), { consumerId: video.consumerId });
	assert.ok(video.consumer.closed && !audio.consumer.closed);
	await assert.rejects(from.request('pauseProducer', { producerId: video.producerId }), { code: 404 });
	// And on again makes another.
	const again = await from.produce('video');
	const offer = await to.inbox.next('newConsumer', (d) => d.kind === 'video');
	assert.equal(offer.producerId, again.id);
	assert.notEqual(offer.id, video.consumerId);
}

export async function receiving(stage) {
	const { from, to, audio, video } = await pair(stage);
	const { consumerId } = video;
	await to.request('pauseConsumer', { consumerId });
	await to.request('resumeConsumer', { consumerId });
	for (const [spatialLayer, temporalLayer] of [[0, 0], [1, 2], [2, 1], [7, 7]]) {
		await to.request('setConsumerPreferredLayers', { consumerId, spatialLayer, temporalLayer });
	}
	await to.request('setConsumerPreferredLayers', { consumerId, spatialLayer: 1 });
	for (const priority of [1, 2, 255]) await to.request('setConsumerPriority', { consumerId, priority });
	await to.request('requestConsumerKeyFrame', { consumerId });
	await to.request('requestConsumerKeyFrame', { consumerId: audio.consumerId });
	// What the receiver does to itself is nobody else's affair.
	await from.request('changeDisplayName', { displayName: 'marker' });
	await to.inbox.next('peerDisplayNameChanged');
	assert.equal(from.inbox.count('consumerPaused') + to.inbox.count('consumerPaused'), 0);
}

export async function statistics(stage) {
	const { from, to, audio, video } = await pair(stage);
	for (const [peer, transport] of [[from, from.sendTransport], [from, from.recvTransport], [to, to.recvTransport]]) {
		const [stats, ...more] = await peer.request('getTransportStats', { transportId: transport.id });
		assert.deepEqual(more, []);
		assert.equal(stats.type, 'webrtc-transport');
		assert.equal(stats.transportId, transport.id);
		assert.deepEqual([stats.iceRole, stats.iceState], ['controlled', 'new']);
		assert.equal(typeof stats.dtlsState, 'string');
		for (const key of ['timestamp', 'bytesReceived', 'recvBitrate', 'bytesSent', 'sendBitrate', 'rtpBytesReceived', 'rtpRecvBitrate',
			'rtpBytesSent', 'rtpSendBitrate', 'rtxBytesReceived', 'rtxRecvBitrate', 'rtxBytesSent', 'rtxSendBitrate', 'probationBytesSent',
			'probationSendBitrate']) {
			assert.equal(typeof stats[key], 'number', key);
		}
	}
	for (const { producerId, consumerId, producer } of [audio, video]) {
		assert.ok(Array.isArray(await from.request('getProducerStats', { producerId })));
		const [stats] = await to.request('getConsumerStats', { consumerId });
		assert.equal(stats.type, 'outbound-rtp');
		assert.equal(stats.kind, producer.kind);
		for (const key of ['timestamp', 'ssrc', 'packetsLost', 'fractionLost', 'packetsDiscarded', 'packetsRetransmitted', 'packetsRepaired',
			'nackCount', 'nackPacketCount', 'pliCount', 'firCount', 'score', 'packetCount', 'byteCount', 'bitrate']) {
			assert.equal(typeof stats[key], 'number', key);
		}
	}
}

export async function renaming(stage) {
	const [a, b] = [await stage.join('a'), await stage.join('b')];
	await a.request('changeDisplayName', { displayName: 'Änne 🎉' });
	assert.deepEqual(await b.inbox.next('peerDisplayNameChanged'), { peerId: 'a', displayName: 'Änne 🎉', oldDisplayName: 'a' });
	assert.equal((await stage.join('c')).peers.get('a').displayName, 'Änne 🎉');
	assert.equal(a.inbox.count('peerDisplayNameChanged'), 0);
}

export async function iceRestart(stage) {
	const { from, to } = await pair(stage);
	for (const [peer, transport, info] of [[from, from.sendTransport, from.sendInfo], [to, to.recvTransport, to.recvInfo]]) {
		const iceParameters = await peer.request('restartIce', { transportId: transport.id });
		assert.deepEqual(keysOf(iceParameters), ['iceLite', 'password', 'usernameFragment']);
		assert.notEqual(iceParameters.usernameFragment, info.iceParameters.usernameFragment);
		assert.notEqual(iceParameters.password, info.iceParameters.password);
		await transport.restartIce({ iceParameters });
	}
}

export async function onlyTCP(stage) {
	const { from } = await pair(stage, { forceTcp: true });
	const candidates = from.sendInfo.iceCandidates;
	assert.ok(candidates.length > 0 && candidates.every((c) => c.protocol === 'tcp' && c.tcpType === 'passive'));
	const both = await stage.join('both');
	assert.deepEqual(new Set(both.sendInfo.iceCandidates.map((c) => c.protocol)), new Set(['udp', 'tcp']));
	for (const c of both.sendInfo.iceCandidates) {
		assert.equal(c.address, c.ip);
		assert.equal(c.type, 'host');
		assert.equal(typeof c.foundation, 'string');
		assert.ok(c.port > 0 && c.priority > 0);
	}
}

// A page that is reloaded comes with the id it had before its old connection was found dead.
export async function replacing(stage) {
	const { from, to, audio } = await pair(stage);
	const again = await stage.connect('from');
	await from.inbox.next('close'); // and does not come back
	assert.deepEqual(await to.inbox.next('peerClosed'), { peerId: 'from' });
	await to.inbox.next('consumerClosed', (d) => d.consumerId === audio.consumerId);
	await again.join('From again');
	assert.equal((await to.inbox.next('newPeer', (d) => d.displayName === 'From again')).id, 'from');
	assert.deepEqual([...again.peers.keys()], ['to']);
	const producer = await again.produce('audio');
	assert.equal((await to.inbox.next('newConsumer')).producerId, producer.id);
	assert.equal(from.inbox.count('disconnected'), 0);
}

// A page whose network broke comes back by itself and begins anew.
export async function reconnecting(stage) {
	const { from, to } = await pair(stage);
	const socket = from.protoo._transport._ws._connection.socket;
	socket.destroy();
	await from.inbox.next('disconnected');
	await from.inbox.next('open');
	await to.inbox.next('peerClosed');
	from.sendTransport.close();
	from.recvTransport.close();
	await from.join('back');
	assert.equal((await to.inbox.next('newPeer', (d) => d.displayName === 'back')).id, 'from');
	const producer = await from.produce('video');
	assert.equal((await to.inbox.next('newConsumer')).producerId, producer.id);
}

// The last one closes the room; the next one of its name is another.
export async function leaving(stage) {
	const { from, to } = await pair(stage);
	from.leave();
	await to.inbox.next('peerClosed');
	to.leave();
	const next = await stage.join('next');
	assert.equal(next.peers.size, 0);
	assert.equal(next.inbox.count('newConsumer'), 0);
}

// The demo's load test: every producer is consumed several times.
export async function replicas(stage) {
	const from = await stage.join('from', { query: '&consumerReplicas=2' });
	const to = await stage.join('to', { query: '&consumerReplicas=2' });
	const producer = await from.produce('audio');
	const offers = [];
	for (let i = 0; i < 3; i++) offers.push(await to.inbox.next('newConsumer'));
	assert.ok(offers.every((o) => o.producerId === producer.id));
	assert.equal(new Set(offers.map((o) => o.id)).size, 3);
	assert.equal(new Set(offers.map((o) => o.rtpParameters.mid)).size, 3);
	assert.equal(new Set(offers.map((o) => o.rtpParameters.encodings[0].ssrc)).size, 3);
}

// A crowd: everyone is offered everything of everyone else, once.
export async function crowd(stage) {
	const size = 6;
	const peers = await Promise.all(Array.from({ length: size }, (_, i) => stage.join(`peer ${i}`)));
	await Promise.all(peers.flatMap((p) => ['audio', 'video'].map((kind) => p.produce(kind))));
	for (const p of peers) {
		for (let i = 0; i < 2 * (size - 1); i++) await p.inbox.next('newConsumer');
		assert.equal(new Set([...p.consumers.values()].map((c) => c.producerId)).size, 2 * (size - 1));
		assert.equal(p.peers.size, size - 1);
	}
}

// Chat is a data channel. What goes through it, the fake handler cannot say: that is for the tests in a browser.
export async function chat(stage) {
	const [from, to] = [await stage.join('from'), await stage.join('to')];
	// A page whose user wants no data channels refuses them.
	const without = await stage.connect('without');
	without.refuse = (method) => method === 'newDataConsumer';
	await without.join();
	for (const { sctpParameters } of [from.sendInfo, to.recvInfo]) {
		// Clients of different age read different ones of them.
		for (const key of ['port', 'OS', 'MIS', 'maxMessageSize', 'maxSendMessageSize', 'maxReceiveMessageSize']) {
			assert.ok(Number.isInteger(sctpParameters[key]) && sctpParameters[key] > 0, key);
		}
	}
	const chat = await from.sendTransport.produceData({
		ordered: false, maxRetransmits: 1, label: 'chat', protocol: 'plain', appData: { info: 'my chat' },
	});
	const offer = await to.inbox.next('newDataConsumer');
	assert.deepEqual(keysOf(offer), ['appData', 'dataProducerId', 'id', 'label', 'peerId', 'protocol', 'sctpStreamParameters']);
	assert.deepEqual([offer.peerId, offer.dataProducerId, offer.label, offer.protocol], ['from', chat.id, 'chat', 'plain']);
	assert.equal(offer.appData.info, 'my chat');
	const { streamId, ordered, maxRetransmits } = offer.sctpStreamParameters;
	assert.deepEqual([typeof streamId, ordered, maxRetransmits], ['number', false, 1]);
	assert.equal(to.dataConsumers.get(offer.id).label, 'chat');

	const [sent] = await from.request('getDataProducerStats', { dataProducerId: chat.id });
	assert.deepEqual([sent.type, sent.label, sent.messagesReceived, sent.bytesReceived], ['data-producer', 'chat', 0, 0]);
	const [received] = await to.request('getDataConsumerStats', { dataConsumerId: offer.id });
	assert.deepEqual([received.type, received.label, received.messagesSent, received.bytesSent], ['data-consumer', 'chat', 0, 0]);

	const late = await stage.join('late');
	assert.equal((await late.inbox.next('newDataConsumer')).dataProducerId, chat.id);
	from.leave();
	assert.deepEqual(await to.inbox.next('dataConsumerClosed'), { dataConsumerId: offer.id });
	assert.ok(to.dataConsumers.get(offer.id).closed);
	await without.inbox.next('peerClosed');
}

// The echo bot of mediasoup's demo: it comes when it is talked to first, is nobody's, and whoever comes later finds it.
export async function bot(stage) {
	const [from, to] = [await stage.join('from'), await stage.join('to')];
	const talk = await from.sendTransport.produceData({ ordered: false, maxRetransmits: 1, label: 'bot', appData: {} });
	for (const peer of [from, to]) {
		const offer = await peer.inbox.next('newDataConsumer');
		assert.deepEqual([offer.peerId, offer.label], [null, 'bot']);
		assert.notEqual(offer.dataProducerId, talk.id); // what is said to the bot is for the bot
		assert.equal(peer.dataConsumers.get(offer.id).label, 'bot');
	}
	const late = await stage.join('late');
	assert.equal((await late.inbox.next('newDataConsumer')).peerId, null);
	from.leave();
	await to.inbox.next('peerClosed');
	assert.equal([...to.dataConsumers.values()].filter((c) => !c.closed).length, 1); // it stays
}
