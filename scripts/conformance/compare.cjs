// Reads what jest has written.
//   compare.cjs failed RESULTS                            prints the files of tests that failed
//   compare.cjs compare VERSION LIST [-u] RESULTS...      compares the tests that passed in any of the results with a list
const fs = require('node:fs');
const path = require('node:path');

// tests of a run: names by file and title, numbered where a file uses a title twice, with whether they passed
function read(file) {
	const tests = new Map();
	if (!fs.existsSync(file)) {
		return tests;
	}
	for (const suite of JSON.parse(fs.readFileSync(file, 'utf8')).testResults) {
		for (const test of suite.assertionResults) {
			const title = `${path.basename(suite.name, '.js')}: ${test.fullName}`;
			let name = title;
			for (let n = 2; tests.has(name); ++n) {
				name = `${title} #${n}`;
			}
			tests.set(name, { passed: test.status === 'passed', file: suite.name, why: test.failureMessages.join('\n') });
		}
	}
	return tests;
}

function failed(file) {
	const files = new Set();
	for (const test of read(file).values()) {
		if (!test.passed) {
			files.add(test.file);
		}
	}
	console.log([...files].join(' '));
}

function compare(version, list, args) {
	const update = args[0] === '-u';
	const runs = args.slice(update ? 1 : 0).map(read);
	const passed = new Set();
	const all = new Map();
	for (const run of runs) {
		for (const [name, test] of run) {
			all.set(name, test);
			if (test.passed) {
				passed.add(name);
			}
		}
	}
	const again = [...(runs[0] ?? [])].filter(([name, test]) => !test.passed && passed.has(name)).length;
	console.log(`mediasoup ${version}: ${passed.size} of ${all.size} of its tests pass${again ? `, ${again} of them at the second try` : ''}`);
	if (update) {
		fs.writeFileSync(list, [...passed].sort().join('\n') + '\n');
		return true;
	}
	const expected = fs.readFileSync(list, 'utf8').split('\n').filter(Boolean);
	const lost = expected.filter(name => !passed.has(name));
	for (const name of lost) {
		console.log(`lost: ${name}\n${all.get(name)?.why ?? 'it is not in the suite any more'}`);
	}
	for (const name of [...passed].filter(name => !expected.includes(name))) {
		console.log(`gained, for the list (conformance.sh -u): ${name}`);
	}
	return lost.length === 0;
}

const [command, ...args] = process.argv.slice(2);
if (command === 'failed') {
	failed(args[0]);
} else if (!compare(args[0], args[1], args.slice(2))) {
	process.exitCode = 1;
}
