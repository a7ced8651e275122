// Package api serves the control API: everything mediasoup's Node API can do, over a Unix socket, on all workers of a controller.
//
//	client ─ session ─┐                      ┌ router ─ objects ─ control's handles ─▶ worker
//	client ─ session ─┴ Server ─ registry ───┴ router ─ objects
//
// It is the channel one level higher: the same frames, envelopes, names and bodies, except where the controller decides what a client of a
// worker has to (ids, ORTC, where a router lives). So requests that only ask are handed on to the worker as they are, and events handed back;
// what makes, pauses or closes goes through the handles of package control, which know the rest. PROTOCOL.md describes it.
//
// Each client has a goroutine that reads and one that carries out its requests, one after the other; events come on the goroutines that read
// the workers' channels, and are queued without waiting. The registry's lock is never held while anything is asked of a worker.
package api
