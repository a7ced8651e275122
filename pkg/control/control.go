// Package control is the controller's handle on everything that lives in workers.
//
//	Controller ─ RemoteWorker ┐
//	                   Worker ┴ WebRTCServer
//	                          └ Router ─ AudioLevelObserver, ActiveSpeakerObserver
//	                                   └ WebRTCTransport, PlainTransport, PipeTransport, DirectTransport ─ Producer, DataProducer
//	                                                                                                     └ Consumer, DataConsumer
//
// Objects are made by their parents and carry the names, options and defaults of mediasoup's Node API; ids are made here, and so
// is everything that ORTC decides, unless the other end is a controller, which decides itself: see Dial. A method that asks takes a
// context and returns a *proto.Error when it was refused.
//
// Closing is idempotent and goes down the tree: an object's Close ends its children at once, each of which is told why by its
// Closed callback, and then tells the worker. The end of a worker closes everything in it the same way. An object is never told
// of its own Close.
//
// Callbacks run on the goroutine that reads the worker's channel, or on the one that called Close, with no lock held. They must
// not wait for an answer of the same worker. They are given when an object is made, so no event is missed.
package control

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
)

// Reason is why an object was closed by something else.
type Reason string

// Reasons, in mediasoup's words.
const (
	WorkerClosed    Reason = "workerclose"
	RouterClosed    Reason = "routerclose"
	TransportClosed Reason = "transportclose"
	ProducerClosed  Reason = "producerclose"
	ServerClosed    Reason = "listenserverclose"
)

// Reasons of our own: another client of a controller has closed it; the other end of its pipe, or what it is of, is closed.
const (
	OtherClosed Reason = "close"
	PipeClosed  Reason = "pipeclose"
)

// newID returns a random UUID (RFC 9562 section 5.4).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // does not fail
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// IDOr is the id that was given, or a new one if none was.
func IDOr(given string) string {
	if given == "" {
		return newID()
	}
	return given
}

// random32 is the source of SSRCs.
func random32() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // does not fail
	return binary.BigEndian.Uint32(b[:])
}
