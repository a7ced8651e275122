package dtls

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/dtls/v2/pkg/protocol"
	"github.com/pion/dtls/v2/pkg/protocol/extension"
	"github.com/pion/dtls/v2/pkg/protocol/handshake"
	"github.com/pion/dtls/v2/pkg/protocol/recordlayer"

	"gazpacho/pkg/simtest/script"
)

// FuzzRecord holds our cutting of datagrams against the library's, to which every record we let through goes: the same headers and the same
// fragments. It takes empty records, which we drop, and knows no longest length.
func FuzzRecord(f *testing.F) {
	fuzzSeeds(f)
	f.Fuzz(func(t *testing.T, datagram []byte) {
		theirs, err := recordlayer.UnpackDatagram(datagram)
		rest := datagram
		for i := 0; ; i++ {
			r, left, ok := nextRecord(rest)
			if !ok {
				break
			}
			var h recordlayer.Header
			if err := h.Unmarshal(r.raw); err != nil {
				t.Fatalf("the library refuses %x: %v", r.raw, err)
			}
			if uint8(h.ContentType) != r.kind || h.Epoch != r.epoch {
				t.Fatalf("%d of epoch %d, the library reads %+v", r.kind, r.epoch, h)
			}
			if err == nil && !bytes.Equal(theirs[i], r.raw) {
				t.Fatalf("record %d is %x, the library's %x", i, r.raw, theirs[i])
			}
			rest = left
		}
		if err != nil || len(rest) == 0 {
			return
		}
		// What we leave of what the library takes begins with a record that is not sane.
		var h recordlayer.Header
		length := int(rest[11])<<8 | int(rest[12])
		if h.Unmarshal(rest) == nil && (h.Version.Equal(protocol.Version1_0) || h.Version.Equal(protocol.Version1_2)) && length > 0 && length <= maxFragment {
			t.Fatalf("refused %x", rest)
		}
	})
}

// FuzzFragment holds our reading of handshake fragments against the library's.
func FuzzFragment(f *testing.F) {
	f.Add(rawMessage(typeCertificate, 3, []byte("abc")))
	f.Add([]byte{11, 0, 64, 0, 0, 7, 0, 0, 9, 0, 0, 1, 5})
	f.Add(append(rawMessage(typeServerHelloDone, 3, nil), rawMessage(typeCertificate, 4, make([]byte, 40))...))
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			fr, rest, ok := nextFragment(b)
			var h handshake.Header
			err := h.Unmarshal(b)
			if !ok {
				fits := err == nil && int(h.FragmentLength) <= len(b)-handshakeHeader && h.FragmentOffset+h.FragmentLength <= h.Length
				if fits && (h.FragmentLength > 0 || h.Length == 0) {
					t.Fatalf("refused %x, the library reads %+v", b, h)
				}
				return
			}
			if err != nil || uint8(h.Type) != fr.kind || h.MessageSequence != fr.seq || int(h.Length) != fr.length || int(h.FragmentOffset) != fr.offset || int(h.FragmentLength) != len(fr.data) {
				t.Fatalf("%+v, the library reads %+v, %v", fr, h, err)
			}
			b = rest
		}
	})
}

// FuzzHello compares what we read in a ClientHello with what the library will: it must not agree to what we did not see.
func FuzzHello(f *testing.F) {
	f.Add(goodHello().marshal()[handshakeHeader:])
	h := goodHello()
	h.versions, h.pad, h.sni = []uint16{0xfefc, version12}, 30, []byte{0, 4, 0, 0, 1, 'x'}
	f.Add(h.marshal()[handshakeHeader:])
	h.suites, h.groups, h.profiles = []uint16{suiteGCM128}, nil, nil
	f.Add(h.marshal()[handshakeHeader:])
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > maxMessage {
			return
		}
		raw := rawMessage(typeClientHello, 0, body)
		ours, ok := parseClientHello(raw)
		var theirs handshake.MessageClientHello
		err := theirs.Unmarshal(body)
		if !ok || err != nil {
			return // the association wants both to read it
		}
		if theirs.Version.Equal(protocol.Version1_2) != ours.version && !hasVersions(body) {
			t.Fatalf("version %v: %v", theirs.Version, ours.version)
		}
		random := theirs.Random.MarshalFixed()
		if !bytes.Equal(random[:], ours.random[:]) {
			t.Fatalf("random %x, the library reads %x", ours.random, random)
		}
		if slices.Contains(theirs.CipherSuiteIDs, suiteChaCha20) != ours.chacha20 || slices.Contains(theirs.CipherSuiteIDs, suiteGCM128) != ours.gcm128 {
			t.Fatalf("suites %x: %v, %v", theirs.CipherSuiteIDs, ours.chacha20, ours.gcm128)
		}
		for _, e := range theirs.Extensions {
			if u, ok := e.(*extension.UseSRTP); ok {
				for _, p := range u.ProtectionProfiles {
					if !slices.Contains(ours.profiles, Profile(p)) {
						t.Fatalf("profiles %v, the library reads %v", ours.profiles, u.ProtectionProfiles)
					}
				}
			}
		}
	})
}

// hasVersions tells whether supported_versions may be in a ClientHello: the library does not read it.
func hasVersions(body []byte) bool { return bytes.Contains(body, []byte{0, extSupportedVersions}) }

// FuzzHandshake is a path that loses, doubles and holds back the datagrams of both sides, and puts in others, for as long as its script says. Then it is good, and the association connects: nobody on the path ends it (R-DTLS-2, R-DTLS-3).
func FuzzHandshake(f *testing.F) {
	f.Add(script.Write(0, 0, 0, 1, 2, 0, 3, 1, 2))
	f.Add(script.Write(1, 1, 2, 2, 0, 4, "\x15\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x09\x00\x02\x02\x28", 0, 0))
	for _, b := range killers() {
		f.Add(script.Write(0, 0, 4, b, 0, 4, b, 0, 4, b))
	}
	certsOnce.Do(testCertificates)
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) > 1024 {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			s := script.New(input)
			role := Server
			if s.Bool() {
				role = Client
			}
			w := newWorld(t)
			defer w.close()
			toUs, toPeer := spoiler(s, true), spoiler(s, false)
			w.toUs, w.toPeer = toUs, toPeer
			w.peer = w.newPeer(role, peerConfig{})
			w.start(role)
			go w.peer.run()
			time.Sleep(29 * time.Second)
			w.do(func(time.Time) {
				if s.More() {
					return // a path that never got good
				}
				if len(w.events) < 2 || w.events[1] != "connected" {
					t.Errorf("events %v, reason %v", w.events, w.reason)
				}
			})
		})
	})
}

// spoiler is a path that a script governs until it ends. Among what goes to us may be anything; the peer is the library without our gate, which
// any datagram can kill, so what goes to it is only lost, doubled or late.
func spoiler(s *script.Script, anything bool) func(b []byte) [][]byte {
	var held [][]byte
	return func(b []byte) [][]byte {
		out := append([][]byte{b}, held...)
		held = nil
		if !s.More() {
			return out
		}
		switch op := s.Below(5); {
		case op == 1:
			return out[1:]
		case op == 2:
			return append(out, b)
		case op == 3:
			held = [][]byte{b}
			return out[1:]
		case op == 4 && anything:
			return append([][]byte{bytes.Clone(s.Bytes())}, out...)
		}
		return out
	}
}
