package ice

import (
	"bytes"
	"testing"
	"time"

	pion "github.com/pion/stun/v3"
)

// FuzzHandle sends an agent in a call what it makes of the input: a datagram as it is, and a proper
// check with its bytes changed at some place. Without the password nothing but counters may change.
func FuzzHandle(f *testing.F) {
	w := newWorld(f, 0)
	f.Add(w.build(check{useCandidate: true, id: 1}), uint16(30), byte(1))
	f.Add(w.build(check{controlled: true, id: 2}), uint16(2), byte(4))
	f.Add(w.build(check{unknown: []uint16{0x7777}, id: 3}), uint16(60), byte(0xff))
	f.Add(w.build(check{fragment: "stranger", password: "x", id: 4}), uint16(0), byte(0))
	f.Add([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, b []byte, at uint16, flip byte) {
		w := newWorld(t, 30*time.Second)
		w.check(check{useCandidate: true}, path("a"))
		before := len(w.trace)

		good := &pion.Message{Raw: bytes.Clone(b)}
		proper := good.Decode() == nil && pion.NewShortTermIntegrity(testPassword).Check(good) == nil
		if answer := w.send(b, path("b")); !proper && (len(answer) > 0 || len(w.trace) > before) {
			t.Fatalf("acts on a message without integrity: %v", w.trace[before:])
		}
		before = len(w.trace)

		forged := w.build(check{useCandidate: true})
		forged[int(at)%len(forged)] ^= flip
		answer := w.send(forged, path("c"))
		if acted := len(answer) > 0 || len(w.trace) > before; acted != (flip == 0) {
			t.Fatalf("byte %d changed by %#x: acted %v", int(at)%len(forged), flip, acted)
		}
		w.wait(time.Minute)
		w.agree()
		w.agent.Close()
	})
}
