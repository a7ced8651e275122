package worker_test

import (
	"testing"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/rtp"

	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// vp8 makes a VP8 payload with a 15-bit picture id, which is what simulcast consumers rewrite.
func vp8(key bool, picture uint16, fill byte) []byte {
	inter := byte(1)
	if key {
		inter = 0
	}
	b := []byte{0x90, 0x80, 0x80 | byte(picture>>8), byte(picture), inter, 0x9d, 0x01, 0x2a}
	for range 100 {
		b = append(b, fill)
	}
	return b
}

// play sends packets of a track every few milliseconds until the test ends.
func play(t *testing.T, s *simtest.Sending, payload func(n int) []byte) {
	t.Helper()
	done := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			for _, track := range s.Tracks {
				_ = track.WriteRTP(&rtp.Packet{
					Header:  rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(n) * 450, Marker: true},
					Payload: payload(n),
				})
			}
		}
	}()
	t.Cleanup(func() { close(done); <-ended })
}

// TestForwarding sends audio and video from one pion client to another through every kind of transport, SRTP profile and DTLS role.
func TestForwarding(t *testing.T) {
	tests := []struct {
		name string
		o    simtest.PeerOptions
	}{
		{"as pion comes", simtest.PeerOptions{}},
		{"AES_CM only", simtest.PeerOptions{Profiles: []dtls.SRTPProtectionProfile{dtls.SRTP_AES128_CM_HMAC_SHA1_80}}},
		{"GCM 128 only", simtest.PeerOptions{Profiles: []dtls.SRTPProtectionProfile{dtls.SRTP_AEAD_AES_128_GCM}}},
		{"GCM 256 only", simtest.PeerOptions{Profiles: []dtls.SRTPProtectionProfile{dtls.SRTP_AEAD_AES_256_GCM}}},
		{"worker is DTLS client", simtest.PeerOptions{DTLSServer: true}},
		{"individually bound", simtest.PeerOptions{Individual: true}},
		{"IPv6", simtest.PeerOptions{IPv6: true}},
		{"TCP", simtest.PeerOptions{TCP: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := simtest.StartWorker(t)
			router, server := w.Router(), w.Server()
			alice := simtest.Connect(w, router, server, true, tt.o)
			audio := alice.Produce(proto.Audio)
			video := alice.Produce(proto.Video)
			alice.WaitConnected()
			play(t, audio, func(int) []byte { return []byte{0x78, 1, 2, 3} })
			play(t, video, func(n int) []byte { return vp8(n%100 == 0, uint16(n), 7) })

			bob := simtest.Connect(w, router, server, false, tt.o)
			hear := bob.Consume(audio)
			see := bob.Consume(video)
			bob.WaitConnected()
			if payload, _, _ := hear.Read(); string(payload) != "\x78\x01\x02\x03" {
				t.Errorf("heard %x", payload)
			}
			payload, first, _ := see.Read()
			if payload[4]&1 != 0 {
				t.Errorf("the first packet of video is not of a key frame: % x", payload[:8])
			}
			for i := range 50 {
				_, sequence, _ := see.Read()
				if sequence != first+uint16(i)+1 {
					t.Fatalf("packet %d has sequence number %d after %d", i, sequence, first)
				}
			}
		})
	}
}
