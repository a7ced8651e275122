import assert from 'node:assert/strict';
import https from 'node:https';

// What the server must refuse, as protoo's clients see it: errors with a code and a reason, and a connection that lives on.

export async function unknownRequests(stage) {
	const a = await stage.join('a');
	await assert.rejects(a.request('noSuchMethod', {}), { code: 404, message: /noSuchMethod/ });
	for (const method of ['applyNetworkThrottle', 'resetNetworkThrottle']) {
		await assert.rejects(a.request(method, { secret: 's', uplink: 1000, downlink: 1000, rtt: 50, packetLoss: 1 }), (error) => {
			assert.ok(error.code >= 400 && error.message.length > 0);
			return true;
		});
	}
	await a.protoo.notify('noSuchNotification', { a: 1 });
	await a.request('getRouterRtpCapabilities');
}

export async function wrongOrder(stage) {
	const a = await stage.connect('a');
	const about = { producerId: 'x', consumerId: 'x', transportId: 'x', displayName: 'x' };
	for (const method of ['produce', 'closeProducer', 'pauseConsumer', 'changeDisplayName']) {
		await assert.rejects(a.request(method, about), { code: 403 });
	}
	await a.join();
	await assert.rejects(a.request('join', { displayName: 'again', device: {}, rtpCapabilities: a.recvRtpCapabilities }), { code: 403 });
	await assert.rejects(a.request('connectWebRtcTransport', { transportId: a.sendTransport.id }), { code: 400 });
}

export async function foreignIds(stage) {
	const [a, b] = [await stage.join('a'), await stage.join('b')];
	const other = await stage.join('a', { room: `${stage.room}, not` });
	const { id: producerId } = await a.produce('audio');
	const { id: consumerId } = await b.inbox.next('newConsumer');
	for (const stranger of [b, other]) {
		await assert.rejects(stranger.request('closeProducer', { producerId }), { code: 404 });
		await assert.rejects(stranger.request('restartIce', { transportId: a.sendTransport.id }), { code: 404 });
		await assert.rejects(stranger.request('getTransportStats', { transportId: a.sendTransport.id }), { code: 404 });
	}
	for (const stranger of [a, other]) await assert.rejects(stranger.request('pauseConsumer', { consumerId }), { code: 404 });
	await a.request('pauseProducer', { producerId });
	await b.inbox.next('consumerPaused');
	assert.equal(other.inbox.count('newPeer') + other.inbox.count('newConsumer'), 0);
}

// A page may refuse a consumer, and gets all others nevertheless.
export async function refusedConsumer(stage) {
	const from = await stage.join('from');
	const to = await stage.connect('to');
	to.refuse = (method, data) => method === 'newConsumer' && data.kind === 'video';
	await to.join();
	await from.produce('video');
	const audio = await from.produce('audio');
	const offers = [await to.inbox.next('newConsumer'), await to.inbox.next('newConsumer')];
	assert.deepEqual(new Set(offers.map((o) => o.kind)), new Set(['video', 'audio']));
	const { id } = offers.find((o) => o.kind === 'audio');
	await to.inbox.next('consumerScore', (d) => d.consumerId === id);
	assert.deepEqual([...to.consumers.values()].map((c) => c.producerId), [audio.id]);
}

// A page without capabilities joins, sends, and is offered nothing.
export async function sendOnly(stage) {
	const deaf = await stage.connect('deaf');
	await deaf.request('join', { displayName: 'deaf', device: { flag: 'bot' } });
	const [a, b] = [await stage.join('a'), await stage.join('b')];
	await a.produce('audio');
	await b.inbox.next('newConsumer');
	await a.request('changeDisplayName', { displayName: 'marker' });
	await deaf.inbox.next('peerDisplayNameChanged');
	assert.equal(deaf.inbox.count('newConsumer'), 0);
	assert.equal(a.peers.get('deaf').displayName, 'deaf');
}

// Who does not say where to and who they are gets HTTP's 400 instead of a WebSocket.
export async function incompleteURL(stage) {
	for (const query of ['', '?roomId=r', '?peerId=p', '?roomId=&peerId=p']) {
		assert.equal(await handshake(stage.url, query, 'protoo'), 400, query);
	}
	assert.equal(await handshake(stage.url, '?roomId=r&peerId=p', 'chat'), 403);
	assert.equal(await handshake(stage.url, '?roomId=r&peerId=p', 'protoo'), 101);
}

function handshake(url, query, subprotocol) {
	return new Promise((resolve, reject) => {
		const request = https.get(`${url.replace('wss', 'https')}/${query}`, {
			headers: {
				Connection: 'Upgrade',
				Upgrade: 'websocket',
				'Sec-WebSocket-Version': '13',
				'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
				'Sec-WebSocket-Protocol': subprotocol,
			},
		});
		request.on('response', (response) => {
			resolve(response.statusCode);
			response.resume();
		});
		request.on('upgrade', (response, socket) => {
			resolve(response.statusCode);
			socket.destroy();
		});
		request.on('error', reject);
	});
}
