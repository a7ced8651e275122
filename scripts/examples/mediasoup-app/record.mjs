// Plays a tone and a test pattern by ffmpeg into a PlainTransport, and records by another ffmpeg what a second PlainTransport sends.
//   record.mjs FILE SECONDS
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import * as mediasoup from 'mediasoup';

const [file, seconds] = process.argv.slice(2);
const ip = '127.0.0.1';
const codecs = {
	audio: { mimeType: 'audio/opus', payloadType: 101, clockRate: 48000, channels: 2 },
	video: { mimeType: 'video/VP8', payloadType: 102, clockRate: 90000, rtcpFeedback: [{ type: 'nack', parameter: 'pli' }] },
};
const ssrcs = { audio: 1111, video: 2222 };

const worker = await mediasoup.createWorker({ logLevel: 'warn' });
const router = await worker.createRouter({
	mediaCodecs: Object.entries(codecs).map(([kind, { payloadType, ...codec }]) => ({ kind, preferredPayloadType: payloadType, ...codec })),
});

function ffmpeg(...args) {
	return spawn('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
}

// taken tells whether somebody listens on a UDP port.
function taken(port) {
	const socket = createSocket('udp4');
	return new Promise(resolve => {
		socket.once('error', () => resolve(true));
		socket.bind(port, ip, () => socket.close(() => resolve(false)));
	});
}

// freePair is an even port and the next, as RTP without multiplexed RTCP has them.
async function freePair(taboo) {
	for (;;) {
		const port = 2 * Math.floor(15_000 + Math.random() * 15_000);
		if (port !== taboo && !(await taken(port)) && !(await taken(port + 1))) {
			return port;
		}
	}
}

const sending = {}; // by kind: where ffmpeg sends to
const receiving = {}; // by kind: the port where ffmpeg records
const producers = {};
const consumers = {};
for (const kind of ['audio', 'video']) {
	sending[kind] = await router.createPlainTransport({ listenIp: ip, rtcpMux: false, comedia: true });
	producers[kind] = await sending[kind].produce({ kind, rtpParameters: { codecs: [codecs[kind]], encodings: [{ ssrc: ssrcs[kind] }] } });
	const transport = await router.createPlainTransport({ listenIp: ip, rtcpMux: false, comedia: false });
	receiving[kind] = await freePair(receiving.audio);
	await transport.connect({ ip, port: receiving[kind], rtcpPort: receiving[kind] + 1 });
	consumers[kind] = await transport.consume({ producerId: producers[kind].id, rtpCapabilities: router.rtpCapabilities, paused: true });
}

const media = kind => {
	const { payloadType, mimeType, clockRate, channels } = consumers[kind].rtpParameters.codecs[0];
	const rtpmap = [mimeType.split('/')[1], clockRate, channels].filter(part => part).join('/');
	return `m=${kind} ${receiving[kind]} RTP/AVP ${payloadType}\na=rtpmap:${payloadType} ${rtpmap}\n`;
};
await writeFile(`${file}.sdp`, `v=0\no=- 0 0 IN IP4 ${ip}\ns=-\nc=IN IP4 ${ip}\nt=0 0\n${media('audio')}${media('video')}`);
const recorder = ffmpeg('-protocol_whitelist', 'file,udp,rtp', '-i', `${file}.sdp`, '-c', 'copy', '-t', seconds, file);
while (!(await taken(receiving.audio)) || !(await taken(receiving.video))) {
	await new Promise(resolve => setTimeout(resolve, 20));
}
await Promise.all(Object.values(consumers).map(consumer => consumer.resume()));

const to = kind => `rtp://${ip}:${sending[kind].tuple.localPort}?rtcpport=${sending[kind].rtcpTuple.localPort}`;
const player = ffmpeg(
	'-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=25',
	'-map', '0:a', '-ac', '2', '-c:a', 'libopus', '-b:a', '48k', '-ssrc', ssrcs.audio, '-payload_type', '101', '-f', 'rtp', to('audio'),
	'-map', '1:v', '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '400k', '-g', '25',
	'-ssrc', ssrcs.video, '-payload_type', '102', '-f', 'rtp', to('video'),
);
// ffmpeg hears of its end only while packets come, so what plays stays until what records has enough.
const [code] = await once(recorder, 'exit');
player.kill('SIGINT');
await once(player, 'exit');
const report = { recorded: code };
for (const kind of ['audio', 'video']) {
	const [received] = await producers[kind].getStats();
	const [sent] = await consumers[kind].getStats();
	report[kind] = { received: received.packetCount, lost: received.packetsLost, sent: sent.packetCount };
}
console.log(JSON.stringify(report));
worker.close();
