package attack

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"
)

// Strangers send from addresses that have not passed an ICE check. "Media ports answer only Binding requests with a known ufrag and valid
// integrity; everything else gets no byte" (R-ICE-1).
var strangers = []attack{
	{"garbage of every first byte", "R-ICE-1 R-RTP-4", garbage(20_000, 8)},
	{"ClientHellos of strangers", "R-DTLS-1", func(t *testing.T, s *stage, d time.Duration) tally {
		r := newNoise()
		return s.barrage(t, 8, 10_000, d, []string{"unknownTuple"}, func(int) []byte { return hello(r.bytes(32), suiteGCM, suiteChaCha) })
	}},
	{"SRTP and SRTCP of strangers, and replayed", "R-RTP-1 R-RTP-3", func(t *testing.T, s *stage, d time.Duration) tally {
		r, old := newNoise(), append(s.sentMedia(false), s.sentMedia(true)...)
		return s.barrage(t, 8, 10_000, d, []string{"unknownTuple"}, func(n int) []byte {
			switch n % 3 {
			case 0:
				return old[n%len(old)]
			case 1:
				return r.bytes(200, 0x80, 101)
			}
			return r.bytes(60, 0x80, 201)
		})
	}},
	{"checks for nobody", "R-ICE-1", func(t *testing.T, s *stage, d time.Duration) tally {
		r := newNoise()
		return s.barrage(t, 8, 10_000, d, []string{"unknownUsername"}, func(int) []byte { return r.check(t, "nobody:evil") })
	}},
	{"checks with a guessed password", "R-ICE-2", func(t *testing.T, s *stage, d time.Duration) tally {
		guess := newNoise().guess(t, s.alice.Transport.ICEParameters)
		return s.barrage(t, 8, 10_000, d, []string{"stunIntegrity", "stunBudget"}, func(int) []byte { return guess })
	}},
	{"overheard checks, cut off and with bits flipped", "R-ICE-2 R-ICE-3", mutilatedChecks},
	{"datagrams that are empty or too long", "R-RTP-4", wrongSizes},
	{"overheard checks from other addresses", "R-ICE-4", replayedChecks},
}

// barrage sends datagrams that must get no answer.
func (s *stage) barrage(t *testing.T, addresses, rate int, d time.Duration, counted []string, datagram func(n int) []byte) tally {
	t.Helper()
	g := newGun(t, s.at, addresses)
	pace(t.Context(), d, rate, func(n int) { g.shoot(datagram(n)) }, g.flush)
	return tally{sent: g.sent(), counted: counted, answered: g.settled(), silent: true}
}

// settled is how many bytes came back, answers on their way included.
func (g *gun) settled() uint64 {
	time.Sleep(50 * time.Millisecond)
	return g.answered.Load()
}

// garbage is a barrage of random bytes. A STUN message needs its magic cookie: what is none is counted under the unknown tuple alone.
func garbage(rate, addresses int) func(*testing.T, *stage, time.Duration) tally {
	return func(t *testing.T, s *stage, d time.Duration) tally {
		r := newNoise()
		ammunition := make([][]byte, 4096)
		for i := range ammunition {
			ammunition[i] = r.bytes(1+r.IntN(400), byte(i))
		}
		return s.barrage(t, addresses, rate, d, []string{"unknownTuple"}, func(n int) []byte { return ammunition[n%len(ammunition)] })
	}
}

// mutilatedChecks are every cut, and a bit flipped in every byte, of true checks.
func mutilatedChecks(t *testing.T, s *stage, d time.Duration) tally {
	const afterwards = 8 // FINGERPRINT itself is worth nothing: what it covers still holds without it
	var bad [][]byte
	for _, check := range s.overheard()[:2] {
		for i := range len(check) - afterwards {
			flipped := slices.Clone(check)
			flipped[i] ^= 1 << (i % 8)
			bad = append(bad, flipped)
		}
		for n := 1; n < len(check); n++ {
			bad = append(bad, check[:n])
		}
		// "First wins": a second USERNAME does not count, nor does anything behind MESSAGE-INTEGRITY.
		bad = append(bad, newNoise().check(t, "nobody:"+s.alice.Transport.ICEParameters.UsernameFragment))
	}
	reasons := []string{
		"unknownTuple", "malformed", "unknownUsername", "stunMalformed", "stunFingerprint", "stunNotRequest", "stunUsername", "stunIntegrity", "stunBudget",
	}
	return s.barrage(t, 8, 10_000, d, reasons, func(n int) []byte { return bad[n%len(bad)] })
}

// wrongSizes sends what is longer than any packet of ours, and nothing at all: the socket counts both.
func wrongSizes(t *testing.T, s *stage, d time.Duration) tally {
	before := s.stats().UDP
	conn, err := net.Dial("udp4", s.at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := newNoise()
	long, empty := uint64(0), uint64(0)
	pace(t.Context(), d, 2000, func(n int) {
		if n%2 == 0 {
			_, err = conn.Write(r.bytes(1501+r.IntN(20_000), byte(n/2)))
			long++
		} else {
			_, err = conn.Write(nil)
			empty++
		}
		if err != nil {
			t.Error(err)
		}
	}, nil)
	await(t, "all are counted", func() bool {
		now := s.stats().UDP
		lost := now.KernelDrops - before.KernelDrops
		return now.TooLong-before.TooLong <= long && now.Empty-before.Empty <= empty &&
			now.TooLong-before.TooLong+now.Empty-before.Empty+lost >= long+empty
	})
	return tally{}
}

// replayedChecks sends the peers' own checks, which nominate, from elsewhere. They are authentic, so they are answered; media must not move, not
// even when media is replayed from there, too.
func replayedChecks(t *testing.T, s *stage, d time.Duration) tally {
	checks, media := s.overheard(), s.sentMedia(false)
	g := newGun(t, s.at, 50)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	pace(ctx, d, 2000, func(n int) {
		g.shootFrom(n/2, checks[n%len(checks)])
		if n%2 == 1 {
			g.shootFrom(n/2, media[n%len(media)])
		}
	}, g.flush)
	if g.settled() == 0 {
		t.Error("authentic checks were not answered: the attack did not reach its aim")
	}
	return tally{}
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for nothing: %s", what)
		}
	}
}
