// Package compat holds the tests that talk to the real binaries as programs written for others do: an application made of npm's protoo-client and
// mediasoup-client, as it talks to mediasoup's demo server, broadcasters made of HTTP requests and bare RTP, and the TURN clients of coturn.
package compat
