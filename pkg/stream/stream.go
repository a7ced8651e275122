// Package stream is the life of one SSRC: loss, jitter, NACK, reports, cache, rewriting.
//
// Recv is a stream that arrives, Send one that leaves; a Cache keeps what arrived for a while, and a Rewriter gives the packets
// of one or several arriving streams the numbers of a leaving one. ALGORITHMS.md describes how they work, with constants, units
// and sources.
package stream
