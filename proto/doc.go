// Package proto is the vocabulary of the channel: methods, bodies, events, RTP parameters, errors.
//
// The structs are the source of truth. Their json tags are the keys on the wire in JSON and in msgpack alike (package channel
// tells its codec so); values are those of mediasoup's public API. PROTOCOL.md is the normative text around them.
//
// Other tags say what the worker checks of requests: needed (refused without it), enum, min, max, and default, which absent means. They and the
// comments become REFERENCE.md and schema.json, by a test with -update; another test holds them against a worker.
package proto

// The version of the channel protocol: additions raise Minor; within a Major nothing is removed.
const (
	Major = 1
	Minor = 1
)

// Version is a protocol version as it travels in hello and attach.
type Version struct {
	Major int `json:"major"` // both ends must have the same
	Minor int `json:"minor"` // both ends speak the lower
}

// Current is the version this code speaks.
var Current = Version{Major: Major, Minor: Minor}
