// Runs every scenario with one age of mediasoup-client: node run.mjs AGE wss://HOST:PORT. Each prints one line of JSON: its name, how long
// it took and, if it failed, why. Without arguments the ages are printed.
import { inspect } from 'node:util';
import * as scenarios from './scenarios.mjs';
import * as refusals from './refusals.mjs';
import { Application, ages, load } from './application.mjs';

const [age, url] = process.argv.slice(2);
if (!age) {
	console.log(Object.keys(ages).join('\n'));
	process.exit(0);
}
const { parseScalabilityMode } = await load(ages[age]);

// A Stage is where a scenario's applications meet, in rooms of its own.
class Stage {
	#applications = [];
	parseScalabilityMode = parseScalabilityMode;
	url = url;

	constructor(name) {
		this.room = `${name} of ${age}`;
	}

	connect(peerId, { room = this.room, ...options } = {}) {
		const application = new Application(url, room, peerId, options);
		this.#applications.push(application);
		return application.open();
	}

	async join(peerId, options) {
		const application = await this.connect(peerId, options);
		return application.join();
	}

	leave() {
		for (const application of this.#applications) application.leave();
	}

	// heard is what every application was told, for who has to find out why a scenario failed.
	heard() {
		return this.#applications.map((a) => `${a.peerId} heard: ${a.inbox.everything.join(', ')}`).join('\n');
	}
}

for (const [name, scenario] of Object.entries({ ...scenarios, ...refusals })) {
	const stage = new Stage(name);
	const began = performance.now();
	let error;
	try {
		await scenario(stage);
		stage.leave();
	} catch (e) {
		error = `${inspect(e)}\n${stage.heard()}`;
	}
	console.log(JSON.stringify({ name, milliseconds: Math.round(performance.now() - began), error }));
}
process.exit(0);
