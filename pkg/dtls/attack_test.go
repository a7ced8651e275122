package dtls

import (
	"encoding/binary"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// rawRecord is a record of any kind, epoch and number.
func rawRecord(kind uint8, epoch uint16, seq uint64, body []byte) []byte {
	b := make([]byte, recordHeader, recordHeader+len(body))
	b[0], b[1], b[2] = kind, 0xfe, 0xfd
	binary.BigEndian.PutUint64(b[3:], uint64(epoch)<<48|seq)
	binary.BigEndian.PutUint16(b[11:], uint16(len(body)))
	return append(b, body...)
}

// rawMessage is a handshake message in one fragment.
func rawMessage(kind uint8, seq uint16, body []byte) []byte {
	b := make([]byte, handshakeHeader, handshakeHeader+len(body))
	putHandshakeHeader(b, kind, len(body), seq, 0, len(body))
	return append(b, body...)
}

// helloSpec is what a ClientHello of ours offers.
type helloSpec struct {
	random   byte // repeated
	version  uint16
	suites   []uint16
	groups   []uint16
	profiles []uint16
	versions []uint16 // supported_versions; none sends no such extension
	pad      int      // bytes of an extension nobody knows
	sni      []byte   // body of server_name
}

func goodHello() helloSpec {
	return helloSpec{
		random: 7, version: version12, suites: []uint16{0x1301, suiteGCM128, suiteChaCha20},
		groups: []uint16{0x11ec, groupX25519}, profiles: []uint16{1, 8, 7},
	}
}

// marshal returns the whole message.
func (h helloSpec) marshal() []byte {
	var b cryptobyte.Builder
	list16 := func(b *cryptobyte.Builder, list []uint16) {
		for _, v := range list {
			b.AddUint16(v)
		}
	}
	extension := func(b *cryptobyte.Builder, kind uint16, body func(b *cryptobyte.Builder)) {
		b.AddUint16(kind)
		b.AddUint16LengthPrefixed(body)
	}
	b.AddUint16(h.version)
	b.AddBytes(slices.Repeat([]byte{h.random}, 32))
	b.AddUint8(0) // session
	b.AddUint8(0) // cookie
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { list16(b, h.suites) })
	b.AddBytes([]byte{1, 0}) // no compression
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		if h.pad > 0 {
			extension(b, 0x7a7a, func(b *cryptobyte.Builder) { b.AddBytes(make([]byte, h.pad)) })
		}
		if h.sni != nil {
			extension(b, 0, func(b *cryptobyte.Builder) { b.AddBytes(h.sni) })
		}
		if h.groups != nil {
			extension(b, extSupportedGroups, func(b *cryptobyte.Builder) {
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { list16(b, h.groups) })
			})
		}
		if h.profiles != nil {
			extension(b, extUseSRTP, func(b *cryptobyte.Builder) {
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { list16(b, h.profiles) })
				b.AddUint8(0)
			})
		}
		if h.versions != nil {
			extension(b, extSupportedVersions, func(b *cryptobyte.Builder) {
				b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { list16(b, h.versions) })
			})
		}
	})
	return rawMessage(typeClientHello, 0, b.BytesOrPanic())
}

// datagram returns the message in a record.
func (h helloSpec) datagram() []byte { return rawRecord(contentHandshake, 0, 0, h.marshal()) }

const lastSeq = 1<<48 - 1

// killers are datagrams that anyone can make who knows the addresses. Each of them ends an association of
// the library, or stops it from hearing its peer, at one moment or another.
func killers() map[string][]byte {
	null := goodHello()
	null.suites, null.random = []uint16{0x0000, 0x0001, 0x0002}, 66
	junk := slices.Repeat([]byte{0xaa}, 64)
	return map[string][]byte{
		"fatal alert":                 rawRecord(contentAlert, 0, 5, []byte{2, 40}),
		"close_notify":                rawRecord(contentAlert, 0, 5, []byte{1, 0}),
		"plaintext data":              rawRecord(contentData, 0, 5, []byte("GET / HTTP/1.1")),
		"NULL suites":                 null.datagram(),
		"HelloRequest":                rawRecord(contentHandshake, 0, 5, rawMessage(0, 3, nil)),
		"last record number":          rawRecord(contentHandshake, 0, lastSeq, rawMessage(typeServerHelloDone, 7, nil)),
		"last number, cipher spec":    rawRecord(contentChangeCipherSpec, 0, lastSeq, []byte{0}),
		"cipher spec":                 rawRecord(contentChangeCipherSpec, 0, lastSeq, []byte{1}),
		"protected cipher spec":       rawRecord(contentChangeCipherSpec, 1, lastSeq, []byte{1}),
		"protected alert":             rawRecord(contentAlert, 1, lastSeq, junk),
		"protected data":              rawRecord(contentData, 1, lastSeq, junk),
		"protected handshake":         rawRecord(contentHandshake, 1, lastSeq, junk[:48]),
		"epoch of the future":         rawRecord(contentData, 2, 0, junk),
		"unknown content":             rawRecord(24, 0, 0, junk),
		"version of TLS":              {22, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0},
		"length beyond":               {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0},
		"empty record":                rawRecord(contentHandshake, 0, 0, nil),
		"one byte":                    {22},
		"fragment beyond":             rawRecord(contentHandshake, 0, 0, []byte{11, 0, 0, 4, 0, 1, 0, 0, 3, 0, 0, 9, 1, 2}),
		"message of 16 MB":            rawRecord(contentHandshake, 0, 0, []byte{11, 0xff, 0xff, 0xff, 0, 1, 0, 0, 0, 0, 0, 1, 0}),
		"message out of order":        rawRecord(contentHandshake, 0, 0, rawMessage(typeClientKeyExchange, 4, junk)),
		"Finished in plaintext":       rawRecord(contentHandshake, 0, 0, rawMessage(20, 4, junk[:12])),
		"message that does not parse": rawRecord(contentHandshake, 0, 0, rawMessage(typeCertificate, 1, junk)),
	}
}

// R-DTLS-2: whatever comes between, before, during and after the handshake, the association lives, and it
// answers nothing.
func TestNoDatagramKills(t *testing.T) {
	for _, role := range []Role{Server, Client} {
		for name, bad := range killers() {
			t.Run(string(role)+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, withData)
					defer w.close()
					w.toUs = func(b []byte) [][]byte { return [][]byte{bad, b, bad} }
					p := w.newPeer(role, peerConfig{})
					w.peer = p
					go p.run()
					w.start(role)
					w.expectConnected(p, AEADAES128GCM)
					w.expectTraffic(p)
					w.do(func(now time.Time) {
						total := uint64(0)
						w.counters.Each(func(_ Drop, n uint64) { total += n })
						if total+w.counters.Retransmitted == 0 && name != "protected alert" && name != "protected data" {
							t.Error("nothing was counted")
						}
						before := len(w.sentAt)
						for range 100 {
							w.a.Handle(now, bad)
						}
						if len(w.sentAt) != before {
							t.Error("the gate answered")
						}
					})
					synctest.Wait()
					w.expectTraffic(p)
					w.expectEvents("connecting", "connected")
				})
			})
		}
	}
}

// All of them in one datagram's time, again and again, and no handshake takes longer for it.
func TestAllKillersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, withData)
		defer w.close()
		all := killers()
		w.toUs = func(b []byte) [][]byte {
			var out [][]byte
			for _, bad := range all {
				out = append(out, bad)
			}
			return append(out, b)
		}
		start := time.Now()
		w.start(Server)
		p := w.connect(Server, peerConfig{})
		w.expectConnected(p, AEADAES128GCM)
		if took := time.Since(start); took > 0 {
			t.Errorf("the handshake took %v on a path without delay", took)
		}
		w.expectTraffic(p)
	})
}

// The "ClientHello race": a ClientHello that was answered, but came from somebody else, must not lock
// the peer out.
func TestForgedClientHelloFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, withData)
		defer w.close()
		w.start(Server)
		w.receive(goodHello().datagram())
		synctest.Wait()
		w.do(func(time.Time) {
			if len(w.sentAt) == 0 {
				t.Error("a good ClientHello was not answered")
			}
		})
		start := time.Now()
		p := w.connect(Server, peerConfig{})
		w.expectConnected(p, AEADAES128GCM)
		w.expectTraffic(p)
		if took := time.Since(start); took > stall {
			t.Errorf("took %v", took)
		}
	})
}

// ... and one that comes while the peer is at work must not cut it off, whether the path is short or long.
func TestForgedClientHelloLater(t *testing.T) {
	for _, delay := range []time.Duration{0, 400 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, withData)
			defer w.close()
			forged := goodHello().datagram()
			w.start(Server)
			// After every message of the client's.
			w.toUs = func(b []byte) (out [][]byte) {
				for {
					r, rest, ok := nextRecord(b)
					if !ok {
						return out
					}
					out = append(out, r.raw)
					if r.epoch == 0 && r.kind == contentHandshake {
						out = append(out, forged)
					}
					b = rest
				}
			}
			w.toPeer = func(b []byte) [][]byte {
				if delay == 0 {
					return [][]byte{b}
				}
				time.AfterFunc(delay, func() { w.peer.mail.Put(b) })
				return nil
			}
			p := w.connect(Server, peerConfig{})
			w.expectConnected(p, AEADAES128GCM)
			w.expectTraffic(p)
			if w.dropped(DropHelloRival) == 0 {
				t.Error("no rival was seen")
			}
		})
	}
}

// What we find acceptable but the library cannot read must not start a handshake.
func TestClientHelloTheLibraryCannotRead(t *testing.T) {
	w := newWorld(t)
	defer w.loop.close()
	h := goodHello()
	h.sni = []byte{0, 9, 0}
	if _, ok := parseClientHello(h.marshal()); !ok || parses(h.marshal()) {
		t.Fatal("not such a ClientHello")
	}
	w.a.Handle(t0, h.datagram())
	if w.a.hello != nil || w.counters.Dropped(DropHelloMalformed) != 1 {
		t.Error("accepted")
	}
}

// ChangeCipherSpec of a server comes after ours: before, the library has no keys to turn on.
func TestEarlyChangeCipherSpec(t *testing.T) {
	w := newWorld(t)
	defer w.loop.close()
	w.a.role, w.a.state = Client, StateConnecting
	at := newAttempt(t0, w.a)
	defer at.cancel()
	w.a.current = at
	spec := rawRecord(contentChangeCipherSpec, 0, 0, []byte{1})
	w.a.Handle(t0, spec)
	if at.ccsCame || w.counters.Dropped(DropEarly) != 1 {
		t.Error("believed before ours went out")
	}
	at.outgoing(t0, spec)
	w.a.Handle(t0, spec)
	if !at.ccsCame {
		t.Error("dropped after ours went out")
	}
	for _, bad := range [][]byte{{0}, {2}, {1, 1}} { // RFC 5246 section 7.1: "a single byte of value 1"
		before := w.counters.Dropped(DropRecord)
		w.a.Handle(t0, rawRecord(contentChangeCipherSpec, 0, 0, bad))
		if w.counters.Dropped(DropRecord) != before+1 {
			t.Errorf("%x passed", bad)
		}
	}
}

// DESIGN: "posted closures check that the transport still lives".
func TestWhoMayStillSpeak(t *testing.T) {
	w := newWorld(t)
	defer w.loop.close()
	w.a.role, w.a.state = Server, StateConnecting
	old, at := newAttempt(t0, w.a), newAttempt(t0, w.a)
	defer old.cancel()
	defer at.cancel()
	w.a.current = at
	alert, data := rawRecord(contentAlert, 1, 9, make([]byte, 18)), rawRecord(contentData, 1, 9, make([]byte, 18))
	expect := func(what string, want int) {
		t.Helper()
		if len(w.sentAt) != want {
			t.Errorf("%s: %d datagrams, want %d", what, len(w.sentAt), want)
		}
	}
	old.outgoing(t0, data)
	expect("an attempt that was given up", 0)
	at.outgoing(t0, data)
	expect("the attempt", 1)
	w.a.state = StateConnected
	w.a.Close(t0)
	at.outgoing(t0, data)
	expect("data after Close", 1)
	at.outgoing(t0, alert)
	expect("close_notify after Close", 2)
	at.outgoing(t0, alert)
	expect("a second one", 2)
}
