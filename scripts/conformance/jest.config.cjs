// Runs the test suite that is inside the installed package, as it is.
module.exports = {
	rootDir: process.cwd(),
	testEnvironment: 'node',
	roots: ['<rootDir>/node_modules/mediasoup/node/lib/test'],
	testMatch: ['**/test-*.js'],
	testPathIgnorePatterns: [],
	transform: {},
	haste: { retainAllFiles: true }, // lets jest look inside node_modules
};
