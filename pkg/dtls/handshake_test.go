package dtls

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	pion "github.com/pion/dtls/v2"
)

const (
	cm80   = pion.SRTP_AES128_CM_HMAC_SHA1_80
	cm32   = pion.SRTP_AES128_CM_HMAC_SHA1_32
	gcm128 = pion.SRTP_AEAD_AES_128_GCM
	gcm256 = pion.SRTP_AEAD_AES_256_GCM
)

type profiles = []pion.SRTPProtectionProfile

func TestHandshake(t *testing.T) {
	tests := []struct {
		name      string
		peer      peerConfig
		preferred []Profile
		want      Profile
	}{
		{"CM only", peerConfig{profiles: profiles{cm80}}, nil, AES128CMHMACSHA180},
		{"short tag only", peerConfig{profiles: profiles{cm32}}, nil, AES128CMHMACSHA132},
		{"GCM only", peerConfig{profiles: profiles{gcm128}}, nil, AEADAES128GCM},
		{"GCM-256 only", peerConfig{profiles: profiles{gcm256}}, nil, AEADAES256GCM},
		{"libwebrtc's order", peerConfig{profiles: profiles{cm80, gcm256, gcm128}}, nil, AEADAES128GCM},
		{"CM before its short tag", peerConfig{profiles: profiles{cm32, cm80}}, nil, AES128CMHMACSHA180},
		{"our order", peerConfig{profiles: profiles{gcm128, cm80}}, []Profile{AES128CMHMACSHA180, AEADAES128GCM}, AES128CMHMACSHA180},
		{"HelloVerifyRequest", peerConfig{cookie: true}, nil, AEADAES128GCM},
		{"AES-GCM for the records, CM", peerConfig{gcm: true, profiles: profiles{cm80}}, nil, AES128CMHMACSHA180},
		{"AES-GCM for the records, all", peerConfig{gcm: true, profiles: profiles{cm80, cm32, gcm256, gcm128}}, nil, AEADAES128GCM},
	}
	for _, role := range []Role{Server, Client} {
		for _, tt := range tests {
			t.Run(string(role)+"/"+tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, withData, func(c *Config) { c.Profiles = tt.preferred })
					defer w.close()
					if role == Client {
						p := w.newPeer(role, tt.peer)
						w.peer = p
						go p.run()
					}
					w.start(role)
					p := w.peer
					if role == Server {
						p = w.connect(role, tt.peer)
					}
					w.expectConnected(p, tt.want)
					w.expectTraffic(p)
					if free := w.limiter.Free(); free != MaxHandshakes {
						t.Errorf("%d handshakes free after the end of all, want %d", free, MaxHandshakes)
					}
					if chacha := p.suite.IsInitialized(); chacha == tt.peer.gcm {
						t.Errorf("ChaCha20 agreed: %v, peer offered it: %v", chacha, !tt.peer.gcm)
					}
				})
			})
		}
	}
}

// A client that wants no SRTP, and a server that agrees to none, are no peers. Nothing fails at once: another
// may come.
func TestPeerWithoutSRTP(t *testing.T) {
	for _, role := range []Role{Server, Client} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer w.close()
			p := w.newPeer(role, peerConfig{noSRTP: true})
			w.peer = p
			go p.run()
			w.start(role)
			time.Sleep(time.Second)
			w.expectEvents("connecting")
			if role == Server && w.dropped(DropHelloSRTP) == 0 {
				t.Error("the ClientHello was not refused")
			}
			time.Sleep(handshakeBudget)
			w.expectEvents("connecting", "failed")
			w.do(func(time.Time) {
				if !errors.Is(w.reason, ErrTimeout) || role == Server && !errors.Is(w.reason, DropHelloSRTP) {
					t.Errorf("%s: reason %v", role, w.reason)
				}
			})
			_ = p.mail.Close()
		})
	}
}

// Firefox and Chromium send more than a datagram of ClientHello, for its ML-KEM key share.
func TestClientHelloOfTwoDatagrams(t *testing.T) {
	for _, reverse := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, withData)
			defer w.close()
			var first [][]byte
			w.toUs = func(b []byte) [][]byte {
				if w.a.current != nil {
					return [][]byte{b}
				}
				if first = append(first, b); len(first) < 2 {
					return nil
				}
				if reverse {
					slices.Reverse(first)
				}
				return first
			}
			w.start(Server)
			p := w.connect(Server, peerConfig{alpn: slices.Repeat([]string{strings.Repeat("x", 200)}, 8)})
			w.expectConnected(p, AEADAES128GCM)
			w.expectTraffic(p)
			if len(first) != 2 {
				t.Errorf("the ClientHello had %d datagrams, want 2", len(first))
			}
		})
	}
}

// A ClientHello may come before signaling does. It is answered at once when that comes, not when the peer
// repeats it a second later.
func TestClientHelloIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, withData)
		defer w.close()
		p := w.connect(Server, peerConfig{})
		synctest.Wait()
		w.expectEvents()
		start := time.Now()
		w.do(func(now time.Time) {
			if err := w.a.Start(now, Server, aCert.Fingerprints()); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		if w.expectEvents(); len(w.sentAt) != 0 {
			t.Error("the association spoke before it was ready")
		}
		w.do(func(now time.Time) { w.a.Ready(now) })
		w.expectConnected(p, AEADAES128GCM)
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

func TestClientIgnoresTheHelloItHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		p := w.connect(Server, peerConfig{})
		synctest.Wait()
		p.close()
		w.do(func(time.Time) { w.peer = nil })
		w.start(Client)
		p = w.connect(Client, peerConfig{})
		w.expectConnected(p, AEADAES128GCM)
	})
}

func TestStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		good := aCert.Fingerprints()
		w.do(func(now time.Time) {
			if err := w.a.Start(now, Auto, good); err == nil {
				t.Error("auto is not a role to start in")
			}
			if err := w.a.Start(now, Server, nil); err == nil {
				t.Error("a start without fingerprints")
			}
			if w.a.Role() != Auto || w.a.State() != StateNew {
				t.Error("a refused Start changed something")
			}
			if err := w.a.Start(now, Server, good); err != nil {
				t.Error(err)
			}
			if err := w.a.Start(now, Server, good); err == nil {
				t.Error("a second Start")
			}
			if w.a.Role() != Server || w.a.State() != StateNew {
				t.Errorf("role %v, state %v: not ready, so still new", w.a.Role(), w.a.State())
			}
			w.a.Ready(now)
			w.a.Ready(now)
			if w.a.State() != StateConnecting {
				t.Errorf("state %v", w.a.State())
			}
			if w.a.Data() != nil {
				t.Error("data before the handshake")
			}
		})
		w.expectEvents("connecting")
	})
}

// "A mismatch closes and emits failed", whatever is right about the rest of the handshake.
func TestFingerprints(t *testing.T) {
	certsOnce.Do(testCertificates)
	good, bad := aCert.Fingerprints(), strangersCert.Fingerprints()
	tests := []struct {
		name   string
		remote []Fingerprint
		ok     bool
	}{
		{"sha-1", good[0:1], true},
		{"sha-224", good[1:2], true},
		{"sha-256", good[2:3], true},
		{"sha-384", good[3:4], true},
		{"sha-512", good[4:5], true},
		{"lower case", []Fingerprint{{"SHA-256", strings.ToLower(good[2].Value)}}, true},
		{"one of several", []Fingerprint{bad[2], good[4]}, true},
		{"another certificate", bad[2:3], false},
		{"another certificate by all hashes", bad, false},
		{"one byte off", []Fingerprint{{"sha-256", "00" + good[2].Value[2:]}}, false},
	}
	for _, role := range []Role{Server, Client} {
		for _, tt := range tests {
			t.Run(string(role)+"/"+tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					defer w.close()
					p := w.newPeer(role, peerConfig{})
					w.peer = p
					go p.run()
					w.start(role, tt.remote...)
					if tt.ok {
						w.expectConnected(p, AEADAES128GCM)
						return
					}
					<-p.done
					synctest.Wait()
					w.expectEvents("connecting", "failed")
					if !errors.Is(w.reason, ErrFingerprint) || w.a.State() != StateFailed {
						t.Errorf("reason %v, state %v", w.reason, w.a.State())
					}
					if p.err == nil {
						t.Error("the peer was not told")
					}
				})
			})
		}
	}
}
