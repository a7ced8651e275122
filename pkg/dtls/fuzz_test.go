package dtls

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// fuzzSeeds are datagrams of all kinds.
func fuzzSeeds(f *testing.F) {
	for _, b := range killers() {
		f.Add(b)
	}
	f.Add(goodHello().datagram())
	h := goodHello()
	h.pad, h.versions = 1216, []uint16{0xfefc, version12}
	f.Add(h.datagram())
	f.Add(append(rawRecord(contentChangeCipherSpec, 0, 1, []byte{1}), rawRecord(contentHandshake, 1, 0, make([]byte, 40))...))
	f.Add(rawRecord(contentHandshake, 0, 1, append(rawMessage(typeCertificate, 1, make([]byte, 3)), rawMessage(typeClientKeyExchange, 2, []byte{0})...)))
}

// FuzzGate gives an association whatever comes, before a handshake and during one, in both roles, with an
// island that does not move. Nothing panics, nothing is answered, and what is held stays bounded.
func FuzzGate(f *testing.F) {
	fuzzSeeds(f)
	certsOnce.Do(testCertificates)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, role := range []Role{Auto, Server, Client} {
			var counters Counters
			a := New(Config{
				Certificate: ourCert, Limiter: NewLimiter(0), Counters: &counters,
				Post:  func(func(time.Time)) {},
				Send:  func(time.Time, []byte) { t.Error("answered") },
				Timer: func(time.Time, func(time.Time)) func() { return func() {} },
			})
			a.role = role
			if role != Auto {
				a.state = StateConnecting
				a.current = newAttempt(t0, a)
				defer a.current.cancel()
				if role == Server {
					a.current.hello = &clientHello{}
					a.current.flight.last, a.current.inbox.next = typeClientHello, 1
				}
			}
			for range 3 {
				a.Handle(t0, b)
			}
			if n := a.hellos.memory(); n > maxMemory {
				t.Errorf("%d bytes of ClientHellos", n)
			}
			if a.current == nil {
				continue
			}
			if n := a.current.inbox.memory(); n > maxMemory || len(a.current.held) > maxHeld {
				t.Errorf("%d bytes, %d records", n, len(a.current.held))
			}
			a.gate.finish(t0)
			a.current.finish(nil, nil)
			before := a.current.island.mail.Len()
			a.Handle(t0, b)
			if n := a.current.island.mail.Len() - before; n > 0 && !a.current.keyed {
				t.Errorf("%d records reached the island without keys", n)
			}
		}
	})
}

// FuzzReassembler feeds it the fragments of a record, then a whole message: whatever came before, that one
// comes out, or one like it that was complete earlier.
func FuzzReassembler(f *testing.F) {
	f.Add(rawMessage(typeCertificate, 0, []byte("abc")), uint16(0))
	f.Add(append(rawMessage(typeCertificate, 1, make([]byte, 1000)), rawMessage(typeCertificate, 0, nil)...), uint16(1))
	f.Add([]byte{11, 0, 64, 0, 0, 7, 0, 0, 9, 0, 0, 1, 5}, uint16(3))
	f.Fuzz(func(t *testing.T, b []byte, next uint16) {
		r := reassembler{next: next}
		for len(b) > 0 {
			fr, rest, ok := nextFragment(b)
			if !ok {
				break
			}
			b = rest
			r.add(fr)
			if r.memory() > maxMemory || r.pieceCount() > maxPieces {
				t.Fatalf("%d bytes, %d pieces", r.memory(), r.pieceCount())
			}
		}
		if _, done := r.front(); done {
			r.advance()
		}
		body := bytes.Repeat([]byte{7}, maxMessage)
		whole := fragment{kind: 99, seq: r.next, length: len(body), data: body}
		if why := r.add(whole); why != passed && why != DropMemory {
			t.Fatalf("the message that is due: %v", why)
		}
		p, done := r.front()
		if !done {
			t.Fatal("not complete")
		}
		if p.kind() == 99 && !bytes.Equal(p.body(), body) {
			t.Fatal("differs")
		}
	})
}

// FuzzClientHello compares our reading with the library's: what we accept, it must be able to answer.
func FuzzClientHello(f *testing.F) {
	f.Add(goodHello().marshal())
	h := goodHello()
	h.versions, h.pad = []uint16{version12}, 30
	f.Add(h.marshal())
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, ok := parseClientHello(raw)
		if !ok {
			return
		}
		_, _ = h.choose(DefaultProfiles())
		if !bytes.Equal(h.random[:], raw[handshakeHeader+2:][:32]) {
			t.Error("random")
		}
	})
}

// FuzzLibraryParser looks for inputs on which the library's parser panics: they would cost a transport.
func FuzzLibraryParser(f *testing.F) {
	f.Add(goodHello().marshal())
	for _, kind := range []uint8{2, 3, 11, 12, 13, 14, 15, 16} {
		f.Add(rawMessage(kind, 0, make([]byte, 80)))
	}
	f.Fuzz(func(_ *testing.T, raw []byte) { parses(raw) })
}

// What is accepted as a fingerprint is hexadecimal of the algorithm's size, and writing it down again says the same.
func FuzzFingerprint(f *testing.F) {
	for _, p := range fingerprintsOf([]byte("certificate")) {
		f.Add(p.Algorithm, p.Value)
	}
	f.Add("SHA-256", "00")
	f.Add("sha-1", "0:0")
	f.Fuzz(func(t *testing.T, name, value string) {
		d, err := parseFingerprint(Fingerprint{name, value})
		if err != nil {
			return
		}
		if len(d.value) != len(d.algorithm.sum(nil)) || !strings.EqualFold(d.algorithm.name, name) {
			t.Fatalf("%d bytes of %s", len(d.value), d.algorithm.name)
		}
		again := strings.ReplaceAll(fmt.Sprintf("% x", d.value), " ", ":")
		if !strings.EqualFold(again, value) {
			t.Fatalf("%q was read as %q", value, again)
		}
	})
}
