package attack

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/dtls/v2/pkg/crypto/selfsign"
	"github.com/pion/sctp"

	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// Handshakes are attacked before they begin and while they run, or by who begins them.
var handshakes = []attack{
	{"injections before and during handshakes", "R-DTLS-2 R-DTLS-3", injectedHandshakes},
	{"handshakes that never end", "R-DTLS-3", endlessHandshakes},
	{"fragments without end or order", "R-DTLS-4", endlessFragments},
	{"certificates that nobody announced", "R-DTLS-5", wrongCertificates},
	{"ClientHellos of suites that we don't take", "R-DTLS-6", unwantedHellos},
	{"replays that make the worker seal records", "R-DTLS-7", replayedRecords},
}

// injectedHandshakes come from the addresses of peers who connect meanwhile, all the same.
func injectedHandshakes(t *testing.T, s *stage, d time.Duration) tally {
	r := newNoise()
	connected := 0
	for start := time.Now(); connected < 2 || time.Since(start) < d; connected++ {
		var began atomic.Bool
		path := simtest.NewPath(t, func(datagram []byte) bool {
			began.CompareAndSwap(false, datagram[0] == 22)
			return false
		})
		p := simtest.Connect(s.Worker, s.router, s.server, true, simtest.PeerOptions{Path: path})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			pace(ctx, patience, 1000, func(n int) { path.Inject(earlyRecord(r, n, began.Load())) }, nil)
		}()
		p.Produce(proto.Audio)
		p.WaitConnected()
		cancel()
		p.Close()
		s.Do(proto.RouterCloseTransport, s.router, proto.CloseTransport{TransportID: p.Transport.ID})
		path.Close()
		<-ended
	}
	// A rival ClientHello begins an attempt of its own if it comes first.
	return tally{handshakes: 3 * connected}
}

// earlyRecord is what might disturb a handshake. An acceptable ClientHello is not among it before the peer's own was sent: the answer to a forged
// one ends the peer's side of any handshake, whoever sends it.
func earlyRecord(r noise, n int, began bool) []byte {
	switch n % 10 {
	case 0:
		return record(21, 0, 2, 40)
	case 1:
		return record(21, 0, 1, 0)
	case 2:
		return record(23, 0, 1, 2, 3)
	case 3:
		return record(20, 0, 1)
	case 4:
		return record(22, 1, r.bytes(48)...)
	case 5:
		return hello(r.bytes(32), unwantedSuites...)
	case 6:
		return handshakeMessage(byte(r.IntN(30)), uint16(r.IntN(8)), 200+r.IntN(1<<20), r.IntN(1<<16), r.bytes(r.IntN(200)))
	case 7:
		return record(21, 1, r.bytes(30)...)
	case 8:
		if began {
			return hello(r.bytes(32), suiteGCM)
		}
	}
	return r.bytes(13+r.IntN(100), 22, 0xfe, 0xfd, 0, 0)
}

// somebody is the fingerprint of a certificate that nobody has.
var somebody = strings.Repeat("AB:", 31) + "AB"

// endlessHandshakes go as far as the ServerHello, and begin anew when they are given up. "≤ 200 concurrent handshakes per worker", and somebody
// honest gets a place among them.
func endlessHandshakes(t *testing.T, s *stage, d time.Duration) tally {
	const count, most = 210, 200
	r := newNoise()
	before := s.stats()
	var clients []*simtest.Raw
	answered := map[*simtest.Raw]bool{}
	for range count {
		c := simtest.NewRaw(s.Worker, s.router, s.server, simtest.RawOptions{})
		defer s.expel(c)
		clients = append(clients, c)
		c.Announce(somebody)
		c.Send(c.Check())
	}
	await(t, "as many handshakes as may be", func() bool {
		for _, c := range clients {
			if c.Records.Load() == 0 {
				c.Send(c.Check())
				c.Send(hello(r.bytes(32), suiteGCM))
			} else {
				answered[c] = true
			}
		}
		time.Sleep(20 * time.Millisecond)
		return len(answered) >= most
	})
	if n := s.stats().Handshakes.Attempts; n > most {
		t.Errorf("%d handshakes run", n)
	}
	honest := simtest.Connect(s.Worker, s.router, s.server, true, simtest.PeerOptions{})
	honest.Produce(proto.Audio)
	ctx, stop := context.WithCancel(t.Context())
	var others sync.WaitGroup
	others.Go(func() {
		pace(ctx, time.Minute, 2*count, func(n int) { clients[n%count].Send(hello(r.bytes(32), suiteGCM)) }, nil)
	})
	honest.WaitConnected()
	stop()
	others.Wait()
	time.Sleep(d)
	now := s.stats()
	if n := now.Handshakes.Attempts; n > most {
		t.Errorf("%d handshakes run", n)
	}
	if now.Handshakes.Evicted == before.Handshakes.Evicted {
		t.Error("nobody made room")
	}
	if now.Drops["dtlsLimit"] == before.Drops["dtlsLimit"] {
		t.Errorf("nobody was told to wait: %s", grown(now.Drops, before.Drops))
	}
	return tally{handshakes: int(now.Handshakes.Started - before.Handshakes.Started)}
}

// endlessFragments come before a handshake that succeeds, all the same.
func endlessFragments(t *testing.T, s *stage, d time.Duration) tally {
	r := newNoise()
	c := simtest.NewRaw(s.Worker, s.router, s.server, simtest.RawOptions{})
	defer s.expel(c)
	certificate := c.Certify()
	c.Nominate()
	pace(t.Context(), d, 3000, func(n int) {
		length := []int{100, 16 << 10, 1<<24 - 1}[n%3]
		c.Send(handshakeMessage(1, uint16(n%2), length, r.IntN(length), r.bytes(r.IntN(1000))))
	}, nil)
	if err := c.Shake(certificate, patience); err != nil {
		t.Errorf("handshake: %v", err)
	}
	return tally{handshakes: 1}
}

// wrongCertificates end what signaling said in vain: "No SRTP key … before the peer certificate matches a signalled fingerprint exactly".
func wrongCertificates(t *testing.T, s *stage, _ time.Duration) tally {
	const count = 8
	before := s.stats().Handshakes
	for range count {
		certificate, err := selfsign.GenerateSelfSigned()
		if err != nil {
			t.Fatal(err)
		}
		c := simtest.NewRaw(s.Worker, s.router, s.server, simtest.RawOptions{})
		c.Announce(somebody)
		c.Nominate()
		go func() { _ = c.Shake(certificate, patience) }() // the client may believe what it likes
		simtest.Wait(s.Worker, proto.EventDTLSStateChange, c.Transport.ID, func(e proto.DTLSStateChange) bool {
			if e.DTLSState == proto.DTLSConnected {
				t.Error("connected")
			}
			return e.DTLSState == proto.DTLSFailed || e.DTLSState == proto.DTLSConnected
		})
		s.expel(c)
	}
	if n := s.stats().Handshakes.Failures["fingerprint"] - before.Failures["fingerprint"]; n != count {
		t.Errorf("%d failed for their fingerprint, want %d", n, count)
	}
	return tally{handshakes: count}
}

// unwantedHellos are not answered; who then says what we take is.
func unwantedHellos(t *testing.T, s *stage, d time.Duration) tally {
	r := newNoise()
	c := simtest.NewRaw(s.Worker, s.router, s.server, simtest.RawOptions{})
	defer s.expel(c)
	certificate := c.Certify()
	c.Nominate()
	sent := uint64(0)
	pace(t.Context(), d, 3000, func(n int) {
		c.Send(hello(r.bytes(32), unwantedSuites[:1+n%len(unwantedSuites)]...))
		sent++
	}, nil)
	if n := c.Records.Load(); n != 0 {
		t.Errorf("%d records were the answer", n)
	}
	if err := c.Shake(certificate, patience); err != nil {
		t.Errorf("handshake: %v", err)
	}
	return tally{sent: sent, counted: []string{"dtlsHelloSuite"}, handshakes: 1}
}

// replayedRecords are all that a client sent, again and again, its Finished among them, while data flows: whatever the worker says to that, "AEAD nonces
// strictly increase per key; where the library draws them at random", none comes twice.
func replayedRecords(t *testing.T, s *stage, d time.Duration) tally {
	const header, nonce = 13, 8
	var mu sync.Mutex
	var sent [][]byte
	seen, last, twice := map[string]bool{}, uint64(0), 0
	c := s.raw(simtest.RawOptions{
		Data: true,
		Sent: func(datagram []byte) {
			mu.Lock()
			defer mu.Unlock()
			if datagram[0] >= 20 && datagram[0] <= 63 && len(sent) < 100 {
				sent = append(sent, slices.Clone(datagram))
			}
		},
		Record: func(datagram []byte) {
			mu.Lock()
			defer mu.Unlock()
			for b := datagram; len(b) >= header+nonce && b[0] >= 20 && b[0] <= 63; {
				size := header + int(binary.BigEndian.Uint16(b[11:]))
				if epoch := binary.BigEndian.Uint16(b[3:]); epoch == 1 && len(b) >= size {
					number := binary.BigEndian.Uint64(b[3:])
					if used := string(b[header : header+nonce]); seen[used] || number <= last {
						twice++
					} else {
						seen[used], last = true, number
					}
				}
				b = b[min(size, len(b)):]
			}
		},
	})
	defer s.expel(c)
	c.ConsumeData(c.ProduceData(1), 2)
	a := c.Associate(0, nil)
	defer a.Close()
	out, err := a.OpenStream(1, sctp.PayloadTypeWebRTCBinary)
	if err != nil {
		t.Fatal(err)
	}
	pace(t.Context(), d, 1000, func(n int) {
		mu.Lock()
		old := sent[n%len(sent)]
		mu.Unlock()
		_, _ = c.Conn.Write(old)
		if n%10 == 0 {
			_, _ = out.WriteSCTP([]byte("x"), sctp.PayloadTypeWebRTCBinary)
		}
	}, nil)
	mu.Lock()
	defer mu.Unlock()
	if twice > 0 || len(seen) < 10 {
		t.Errorf("of %d sealed records %d have a number or a nonce that was used before", len(seen), twice)
	}
	return tally{handshakes: 1}
}
