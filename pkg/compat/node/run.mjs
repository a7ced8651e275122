// Runs one scenario: node run.mjs AGE/NAME wss://HOST:PORT. Without arguments it prints the names of all.
import * as scenarios from './scenarios.mjs';
import * as refusals from './refusals.mjs';
import { Application, ages, load } from './application.mjs';

const all = { ...scenarios, ...refusals };
const [path, url] = process.argv.slice(2);
if (!path) {
	for (const age of Object.keys(ages)) for (const name of Object.keys(all)) console.log(`${age}/${name}`);
	process.exit(0);
}
const [age, name] = path.split('/');
const { parseScalabilityMode } = await load(ages[age]);

const applications = [];

// A stage is where a scenario's applications meet: each scenario has rooms of its own.
const stage = {
	url,
	room: `room of ${path}`,
	parseScalabilityMode,
	connect(peerId, options = {}) {
		const application = new Application(url, options.room ?? stage.room, peerId, options);
		applications.push(application);
		return application.open();
	},
	async join(peerId, options) {
		const application = await stage.connect(peerId, options);
		return application.join();
	},
};

try {
	await all[name](stage);
	for (const application of applications) application.leave();
} catch (error) {
	console.error(error);
	for (const a of applications) console.error(`${a.peerId} heard: ${a.inbox.everything.join(', ')}`);
	process.exit(1);
}
process.exit(0);
