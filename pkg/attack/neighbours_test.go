package attack

import (
	"slices"
	"testing"
	"time"
)

// Neighbours can send from the very address of a peer, as whoever sits on its network or forges addresses can, and have no keys.
var neighbours = []attack{
	{"DTLS records after the handshake", "R-DTLS-2", injectedRecords},
	{"ClientHellos from the peers' addresses", "R-DTLS-1 R-DTLS-2 R-DTLS-3", func(t *testing.T, s *stage, d time.Duration) tally {
		r := newNoise()
		return s.inject(t, 4000, d, dtlsDrops, func(int) []byte { return hello(r.bytes(32), suiteGCM, suiteChaCha) })
	}},
	{"forged SRTP of random SSRCs", "R-RTP-2 R-RTP-3", func(t *testing.T, s *stage, d time.Duration) tally {
		r := newNoise()
		return s.inject(t, 8000, d, []string{"srtpAuthentication"}, func(int) []byte { return r.bytes(60+r.IntN(200), 0x80, 101) })
	}},
	{"forged SRTCP of random SSRCs", "R-RTP-2 R-RTP-3", func(t *testing.T, s *stage, d time.Duration) tally {
		r := newNoise()
		return s.inject(t, 8000, d, []string{"srtpAuthentication", "srtpNotEncrypted"}, func(n int) []byte { return r.bytes(60+r.IntN(200), 0x80, byte(200+n%8)) })
	}},
	{"replayed SRTP and SRTCP", "R-RTP-2 R-RTP-7", func(t *testing.T, s *stage, d time.Duration) tally {
		old := append(s.sentMedia(false), s.sentMedia(true)...)
		return s.injectAs(t, 0, 4000, d, []string{"srtpReplay"}, func(n int) []byte { return old[n%len(old)] })
	}},
	{"SRTP with bits flipped", "R-RTP-2 R-RTP-5", func(t *testing.T, s *stage, d time.Duration) tally {
		old := s.sentMedia(false)
		return s.injectAs(t, 0, 4000, d, []string{"srtpAuthentication", "srtpMalformed", "srtpReplay", "malformed", "stunMalformed"}, func(n int) []byte {
			b := slices.Clone(old[n%len(old)])
			b[8+n%(len(b)-8)] ^= 1 << (n % 8) // version, number and timestamp stay
			return b
		})
	}},
	{"SRTP and SRTCP cut off at every byte", "R-RTP-4", func(t *testing.T, s *stage, d time.Duration) tally {
		old := append(s.sentMedia(false)[:1], s.sentMedia(true)...)
		return s.injectAs(t, 0, 4000, d, []string{"srtpAuthentication", "srtpMalformed", "malformed", "srtpReplay"}, func(n int) []byte {
			b := old[n/100%len(old)]
			return b[:1+n%(len(b)-1)]
		})
	}},
	{"first bytes of no protocol", "R-RTP-4", func(t *testing.T, s *stage, d time.Duration) tally {
		r, firsts := newNoise(), []byte{4, 16, 19, 64, 79, 127, 192, 255}
		return s.inject(t, 4000, d, []string{"malformed"}, func(n int) []byte { return r.bytes(1+r.IntN(300), firsts[n%len(firsts)]) })
	}},
	{"guessed passwords from the peers' addresses", "R-ICE-2", func(t *testing.T, s *stage, d time.Duration) tally {
		r := newNoise()
		guesses := [][]byte{r.guess(t, s.alice.Transport.ICEParameters), r.guess(t, s.bob.Transport.ICEParameters)}
		return s.inject(t, 4000, d, []string{"stunIntegrity"}, func(n int) []byte { return guesses[n%2] })
	}},
}

// inject sends from alice's and bob's address in turn.
func (s *stage) inject(t *testing.T, rate int, d time.Duration, counted []string, datagram func(n int) []byte) tally {
	t.Helper()
	sent := uint64(0)
	pace(t.Context(), d, rate, func(n int) {
		s.paths[n%2].Inject(datagram(n))
		sent++
	}, nil)
	return tally{sent: sent, counted: counted, spared: spared(d)}
}

// spared is how many DTLS records may pass as retransmissions: fifteen a second and peer.
func spared(d time.Duration) uint64 { return uint64(30 * (2 + d/time.Second)) }

// injectAs sends from the address of one of them.
func (s *stage) injectAs(t *testing.T, peer, rate int, d time.Duration, counted []string, datagram func(n int) []byte) tally {
	t.Helper()
	sent := uint64(0)
	pace(t.Context(), d, rate, func(n int) {
		s.paths[peer].Inject(datagram(n))
		sent++
	}, nil)
	return tally{sent: sent, counted: counted}
}

// injectedRecords are of every type in every epoch: alerts and data that would end a naive association, in the clear and sealed by nobody.
func injectedRecords(t *testing.T, s *stage, d time.Duration) tally {
	r := newNoise()
	return s.inject(t, 4000, d, dtlsDrops, func(n int) []byte {
		kinds, epochs := []byte{20, 21, 22, 23, 24, 25, 63}, []uint16{0, 1, 2, 65535}
		kind, epoch := kinds[n/2%len(kinds)], epochs[n/14%len(epochs)]
		switch {
		case n%9 == 0:
			return record(21, 0, 2, 40)
		case n%9 == 1:
			return record(21, 0, 1, 0)
		case n%9 == 2: // what comes behind the header is less than it says
			b := record(kind, epoch, r.bytes(40)...)
			return b[:13+r.IntN(40)]
		}
		return record(kind, epoch, r.bytes(24+r.IntN(100))...)
	})
}

// dtlsDrops are the gate's reasons. What may be a retransmission of the peer's, a few records a second, passes the gate, and goes nowhere.
var dtlsDrops = []string{
	"dtlsOver", "dtlsRecord", "dtlsContentType", "dtlsEpoch", "dtlsPlaintextAlert", "dtlsPlaintextData", "dtlsData", "dtlsLate", "dtlsRetransmission",
	"dtlsEarly", "dtlsSealed",
}
