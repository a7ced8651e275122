// Ten thousand requests at once, through the library in a directory: all are answered, each with its own answer, in the order they were sent.
//   concurrent.cjs DIRECTORY
const path = require('node:path');
const mediasoup = require(path.join(process.argv[2], 'node_modules/mediasoup'));

const count = 10_000;

async function main() {
	const worker = await mediasoup.createWorker({ logLevel: 'error' });
	const router = await worker.createRouter();
	const transports = await Promise.all(Array.from({ length: 10 }, () => router.createDirectTransport()));
	const began = process.hrtime.bigint();
	let answered = 0;
	const check = (i, wrong) => {
		if (wrong || answered !== i) {
			throw new Error(`answer ${answered} is ${wrong ? `wrong: ${wrong}` : `that of request ${i}`}`);
		}
		++answered;
	};
	const requests = [];
	for (let i = 0; i < count; ++i) {
		const transport = transports[i % transports.length];
		switch (i % 3) {
			case 0: {
				requests.push(transport.dump().then(dump => check(i, dump.id !== transport.id && dump.id)));
				break;
			}
			case 1: {
				requests.push(router.dump().then(dump => check(i, dump.transportIds.length !== transports.length && 'transportIds')));
				break;
			}
			default: {
				requests.push(transport.getStats().then(([stats]) => check(i, stats.transportId !== transport.id && stats.transportId)));
			}
		}
	}
	await Promise.all(requests);
	console.log(`mediasoup ${mediasoup.version}: ${answered} concurrent requests answered in order, in ${(process.hrtime.bigint() - began) / 1_000_000n} ms`);
	worker.close();
}

main().catch(error => {
	console.error(error);
	process.exit(1);
});
