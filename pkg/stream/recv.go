// Package stream is the life of one SSRC: loss, jitter, NACK, reports, cache, rewriting.
package stream

// Recv is one received stream.
type Recv struct{}
