// Answers each line, a JSON list of {fn, args}, with a line of as many {result} or {error: name, message}.
'use strict';
// Random numbers become a count that starts anew with each call, so that SSRCs can be compared.
const crypto = require('node:crypto');
let draws = 0;
crypto.randomInt = (min) => min + 1000 * draws++;

const mediasoup = require('mediasoup');
const server = require('mediasoup/ortc');
const client = require('mediasoup-client/ortc');
const h264 = require('h264-profile-level-id');

// It remembers from here what it adds to pipe consumers.
server.generateRouterRtpCapabilities([]);

function producer({ kind, mediaCodecs, params }) {
	const caps = server.generateRouterRtpCapabilities(mediaCodecs);
	server.validateAndNormalizeRtpParameters(params);
	const mapping = server.getProducerRtpParametersMapping(params, caps);
	const consumable = server.getConsumableRtpParameters(kind, params, caps, mapping);
	return { params, mapping, consumable };
}

const functions = {
	versions: () => Object.fromEntries(['mediasoup', 'mediasoup-client', 'h264-profile-level-id'].map((name) => {
		const path = require('node:path').join(__dirname, 'node_modules', name, 'package.json');
		return [name, JSON.parse(require('node:fs').readFileSync(path)).version];
	})),
	supported: () => {
		const caps = structuredClone(mediasoup.getSupportedRtpCapabilities());
		server.validateAndNormalizeRtpCapabilities(caps);
		return caps;
	},
	scalabilityMode: ({ mode }) => mediasoup.parseScalabilityMode(mode),
	validateCapabilities: ({ caps }) => { server.validateAndNormalizeRtpCapabilities(caps); return caps; },
	validateParameters: ({ params }) => { server.validateAndNormalizeRtpParameters(params); return params; },
	router: ({ mediaCodecs }) => server.generateRouterRtpCapabilities(mediaCodecs),
	producer,
	canConsume: ({ consumable, remote }) => server.canConsume(consumable, remote),
	consumer: ({ consumable, remote, pipe, enableRtx }) => {
		server.validateAndNormalizeRtpCapabilities(remote); // as Transport.consume() does
		return server.getConsumerRtpParameters({
			consumableRtpParameters: consumable, remoteRtpCapabilities: remote, pipe, enableRtx,
		});
	},
	pipe: ({ consumable, enableRtx }) => server.getPipeConsumerRtpParameters({ consumableRtpParameters: consumable, enableRtx }),
	// All that is made of a producer, from one input: a list of answers.
	consumers: (args) => ['canConsume', 'consumer', 'pipe'].map((fn) => answer({ fn, args: structuredClone(args) })),
	h264Answer: ({ ours, offer }) => h264.isSameProfile(ours, offer)
		? { id: h264.generateProfileLevelIdStringForAnswer(ours, offer) } : null,
	h264Formats: ({ idcs }) => {
		const formats = {};
		for (const idc of idcs) {
			for (let low = 0; low < 1 << 16; low++) {
				const id = ((idc << 16) | low).toString(16).padStart(6, '0');
				const format = h264.parseProfileLevelId(id);
				if (format) formats[id] = h264.profileLevelIdToString(format);
			}
		}
		return formats;
	},
	device: ({ local, router, preferLocal }) => {
		const extended = client.getExtendedRtpCapabilities(local, router, preferLocal);
		const send = client.getSendRtpCapabilities(extended);
		return {
			recv: client.getRecvRtpCapabilities(extended),
			canSend: { audio: client.canSend('audio', send), video: client.canSend('video', send) },
			sending: {
				audio: client.getSendingRtpParameters('audio', extended),
				video: client.getSendingRtpParameters('video', extended),
			},
		};
	},
	canReceive: ({ params, recv }) => client.canReceive(params, recv),
};

function answer({ fn, args }) {
	draws = 0;
	try {
		return { result: functions[fn](args) };
	} catch (error) {
		return { error: error.name, message: error.message };
	}
}

require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
	process.stdout.write(JSON.stringify(JSON.parse(line).map(answer)) + '\n');
});
