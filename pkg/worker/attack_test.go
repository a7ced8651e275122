package worker_test

import (
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/pion/stun/v3"

	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// forgedCheck names a user of ours, and does not know the password.
func forgedCheck(t *testing.T, ice proto.ICEParameters) []byte {
	t.Helper()
	m, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(ice.UsernameFragment+":evil"),
		stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{1, 2, 3, 4}},
		stun.RawAttribute{Type: stun.AttrICEControlling, Value: make([]byte, 8)}, stun.RawAttribute{Type: stun.AttrUseCandidate},
		stun.NewShortTermIntegrity("a guess of twenty-two characters"), stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

// record is a DTLS record in the clear.
func record(kind byte, body ...byte) []byte {
	return append([]byte{kind, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, byte(len(body))}, body...)
}

// hello is the beginning of a ClientHello that offers only TLS_ECDHE_ECDSA_WITH_NULL_SHA, as a whole message.
func hello() []byte {
	body := append([]byte{0xfe, 0xfd}, make([]byte, 32)...) // version, random
	body = append(body, 0, 0)                               // session, cookie
	body = append(body, 0, 2, 0xc0, 0x06, 1, 0)             // suites, compression
	message := append([]byte{1, 0, 0, byte(len(body)), 0, 0, 0, 0, 0, 0, 0, byte(len(body))}, body...)
	return record(22, message...)
}

// While a call runs, strangers and somebody who can send from the peers' own addresses do their worst: forged checks, ClientHellos, alerts and data
// in the clear, replays, and noise that looks like RTP and RTCP. "The call loses ≤ 0.5 % of its packets and no connection."
func TestCallUnderAttack(t *testing.T) {
	paths := []*simtest.Path{simtest.NewPath(t, nil), simtest.NewPath(t, nil)}
	s := newScene(t, simtest.PeerOptions{Path: paths[0]}, simtest.PeerOptions{Path: paths[1]})
	s.contiguous(t, 20, "before")

	candidate := s.alice.Transport.ICECandidates[0]
	to := &net.UDPAddr{IP: net.ParseIP(candidate.Address), Port: int(candidate.Port)}
	var strangers []*net.UDPConn
	for range 4 {
		c, err := net.DialUDP("udp4", nil, to)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		strangers = append(strangers, c)
	}
	r := rand.New(rand.NewPCG(1, 1))
	noise := func(first, second byte) []byte {
		b := make([]byte, 2+r.IntN(300))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		b[0], b[1] = first, second
		return b
	}
	peers := []*simtest.Peer{s.alice, s.bob}
	attack := func() {
		for i, path := range paths {
			bad := [][]byte{
				forgedCheck(t, peers[i].Transport.ICEParameters), hello(), record(21, 2, 40), record(21, 1, 0), record(23, 1, 2, 3), record(20, 1),
				noise(0x80, 101), noise(0x80, 200), noise(0x81, 201), noise(0x90, 206), noise(22, 0xfe), noise(0, 1), noise(70, 0),
			}
			for _, b := range bad {
				path.Inject(b)
				_, _ = strangers[0].Write(b)
			}
			// Replays, of checks too: these are answered, and move nothing (R-ICE-4).
			old := path.Sent()
			for range 3 {
				b := old[r.IntN(len(old))]
				path.Inject(b)
				_, _ = strangers[1+r.IntN(len(strangers)-1)].Write(b)
			}
		}
	}
	const packets = 400
	lost := 0
	for i := range packets {
		if i%4 == 0 {
			attack()
		}
		_, sequence, _ := s.see.Read()
		lost += int(sequence - s.last - 1)
		s.last = sequence
	}
	if lost > packets/200 {
		t.Errorf("%d of %d packets were lost", lost, packets)
	}
	reasons := map[string]bool{}
	for _, p := range peers {
		stats := simtest.Request[proto.WebRTCTransportStats](s.Worker, proto.TransportGetStats, p.Transport.ID, nil)
		if stats.DTLSState != proto.DTLSConnected || stats.ICEState != proto.ICECompleted {
			t.Errorf("DTLS %s, ICE %s", stats.DTLSState, stats.ICEState)
		}
		for reason := range stats.Drops {
			reasons[reason] = true
		}
	}
	for _, want := range []string{"srtpAuthentication", "srtpReplay", "stunIntegrity", "malformed"} {
		if !reasons[want] {
			t.Errorf("nothing was counted as %s: %v", want, reasons)
		}
	}
	// R-ICE-1: "everything else gets no byte". What was answered has long arrived.
	if err := strangers[0].SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2000)
	if n, err := strangers[0].Read(buf); err == nil {
		t.Errorf("a stranger was answered: % x", buf[:n])
	}
}

// R-DTLS-5: "No SRTP key … before the peer certificate matches a signalled fingerprint exactly; a mismatch closes and emits failed".
func TestWrongCertificate(t *testing.T) {
	for name, o := range map[string]simtest.PeerOptions{"client": {Impostor: true}, "server": {Impostor: true, DTLSServer: true}} {
		t.Run(name, func(t *testing.T) {
			w := simtest.StartWorker(t)
			mallory := simtest.Connect(w, w.Router(), w.Server(), true, o)
			mallory.Produce(proto.Audio)
			failed := simtest.Wait(w, proto.EventDTLSStateChange, mallory.Transport.ID, func(c proto.DTLSStateChange) bool {
				if c.DTLSState == proto.DTLSConnected {
					t.Error("connected")
				}
				return c.DTLSState == proto.DTLSFailed
			})
			if failed.Reason == "" || failed.DTLSRemoteCert != "" {
				t.Errorf("event %+v", failed)
			}
		})
	}
}
