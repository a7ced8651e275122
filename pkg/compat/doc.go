// Package compat holds the tests that talk to the real binaries as programs written for mediasoup's demo server do: an application made
// of npm's protoo-client and mediasoup-client, and broadcasters made of HTTP requests and bare RTP.
package compat
