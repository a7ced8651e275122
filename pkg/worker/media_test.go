package worker_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// scene is a worker with a publisher of video and a subscriber to it, both connected and playing.
type scene struct {
	*simtest.Worker
	router, server string
	alice, bob     *simtest.Peer
	video          *simtest.Sending
	see            *simtest.Receiving
	last           uint16 // sequence number that bob read last
}

// newScene connects them; the first picture has been seen.
func newScene(t *testing.T, alice, bob simtest.PeerOptions) *scene {
	t.Helper()
	s := &scene{Worker: simtest.StartWorker(t)}
	s.router, s.server = s.Router(), s.Server()
	s.alice = simtest.Connect(s.Worker, s.router, s.server, true, alice)
	s.video = s.alice.Produce(proto.Video)
	s.alice.WaitConnected()
	play(t, s.video, func(n int) []byte { return vp8(n%50 == 0, uint16(n), byte(n)) })
	s.bob = simtest.Connect(s.Worker, s.router, s.server, false, bob)
	s.see = s.bob.Consume(s.video)
	_, s.last, _ = s.see.Read()
	return s
}

// contiguous reads n packets that follow each other without a gap.
func (s *scene) contiguous(t *testing.T, n int, when string) {
	t.Helper()
	for range n {
		_, sequence, _ := s.see.Read()
		if sequence != s.last+1 {
			t.Fatalf("%s: packet %d after %d", when, sequence, s.last)
		}
		s.last = sequence
	}
}

// resumes reads until n packets follow each other without a gap.
func (s *scene) resumes(t *testing.T, n int) {
	t.Helper()
	for start, got := time.Now(), 0; got < n; {
		_, sequence, _ := s.see.Read()
		if got++; sequence != s.last+1 {
			got = 0
		}
		s.last = sequence
		if time.Since(start) > 30*time.Second {
			t.Fatalf("%d packets without a gap do not come", n)
		}
	}
}

// The subscriber asks for packets again, and gets them by RTX: pion unwraps them, so they have their old numbers.
func TestSubscriberNACK(t *testing.T) {
	s := newScene(t, simtest.PeerOptions{}, simtest.PeerOptions{})
	payload, lost, _ := s.see.Read()
	s.last = lost
	s.contiguous(t, 20, "before")
	nack := &rtcp.TransportLayerNack{MediaSSRC: s.see.Parameters.Encodings[0].SSRC, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{lost})}
	if err := s.bob.Connection().WriteRTCP([]rtcp.Packet{nack}); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		again, sequence, _ := s.see.Read()
		if sequence == lost {
			if !bytes.Equal(again, payload) {
				t.Error("the retransmission has another payload")
			}
			return
		}
	}
	t.Error("it did not come again")
}

// The worker asks the publisher for what was lost on the way to it, and puts it where it belongs.
func TestPublisherNACK(t *testing.T) {
	w := simtest.StartWorker(t)
	router, server := w.Router(), w.Server()
	alice := simtest.Connect(w, router, server, true, simtest.PeerOptions{})
	video := alice.Produce(proto.Video)
	alice.WaitConnected()
	bob := simtest.Connect(w, router, server, false, simtest.PeerOptions{})
	see := bob.Consume(video)
	bob.WaitConnected()

	packet := func(n uint16) *rtp.Packet {
		return &rtp.Packet{
			Header:  rtp.Header{Version: 2, SequenceNumber: n, Timestamp: uint32(n) * 3000, Marker: true},
			Payload: vp8(n == 1, n, byte(n)),
		}
	}
	asked := make(chan uint16, 100)
	go func() {
		defer close(asked)
		for {
			packets, _, err := video.Sender.ReadRTCP()
			if err != nil {
				return
			}
			for _, p := range packets {
				if nack, ok := p.(*rtcp.TransportLayerNack); ok {
					for _, pair := range nack.Nacks {
						for _, n := range pair.PacketList() {
							select {
							case asked <- n:
							default:
							}
						}
					}
				}
			}
		}
	}()
	lost := map[uint16]bool{5: true, 9: true, 10: true}
	for n := uint16(1); n <= 15; n++ {
		if !lost[n] {
			if err := video.Tracks[0].WriteRTP(packet(n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for again := map[uint16]bool{}; len(again) < len(lost); {
		n := <-asked
		if !lost[n] {
			t.Fatalf("asked for %d", n)
		}
		if !again[n] {
			again[n] = true
			if err := video.Tracks[0].WriteRTP(packet(n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	seen := map[uint16]byte{} // number out → which it was
	var first uint16
	for len(seen) < 15 {
		payload, sequence, _ := see.Read()
		if len(seen) == 0 {
			first = sequence
		}
		seen[sequence] = payload[len(payload)-1]
	}
	for i := range uint16(15) {
		if seen[first+i] != byte(i+1) {
			t.Errorf("number %d is packet %d, want %d", first+i, seen[first+i], i+1)
		}
	}
	alice.Close() // ends ReadRTCP
	for range asked {
	}
}

// R-RTP-6: however often subscribers ask, the publisher is asked at most every 500 ms.
func TestKeyFrameRequestsAreThrottled(t *testing.T) {
	s := newScene(t, simtest.PeerOptions{}, simtest.PeerOptions{})
	asked := func() uint64 {
		return simtest.Request[[]proto.RTPStreamStats](s.Worker, proto.ProducerGetStats, s.video.ProducerID, nil)[0].PLICount
	}
	start := time.Now() // before the first answer, so what is measured is no shorter than what the worker lived through
	before := asked()
	for asked() < before+4 {
		pli := &rtcp.PictureLossIndication{MediaSSRC: s.see.Parameters.Encodings[0].SSRC}
		if err := s.bob.Connection().WriteRTCP([]rtcp.Packet{pli}); err != nil {
			t.Fatal(err)
		}
		s.see.Read()
		if time.Since(start) > 30*time.Second {
			t.Fatalf("asked %d times in 30 s", asked()-before)
		}
	}
	total := asked() - before
	if most := uint64(time.Since(start)/(500*time.Millisecond)) + 1; total > most {
		t.Errorf("asked %d times in %v", total, time.Since(start))
	}
}

// playSimulcast sends a stream per RID with the extensions by which they are told apart; the last byte of each payload is its layer.
func playSimulcast(t *testing.T, s *simtest.Sending) {
	t.Helper()
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			for layer, track := range s.Tracks {
				p := &rtp.Packet{
					Header:  rtp.Header{Version: 2, SequenceNumber: uint16(n + 1000*layer), Timestamp: uint32(n)*900 + uint32(layer)*77, Marker: true},
					Payload: vp8(n%20 == 0, uint16(n+100*layer), byte(layer)),
				}
				_ = p.SetExtension(1, []byte(s.Parameters.MID))
				_ = p.SetExtension(2, []byte(track.RID()))
				_ = track.WriteRTP(p)
			}
		}
	}()
	t.Cleanup(func() { close(done); <-ended })
}

// A simulcast source: the subscriber gets one stream without gaps, of the layer that is preferred.
func TestSimulcastByRID(t *testing.T) {
	w := simtest.StartWorker(t)
	router, server := w.Router(), w.Server()
	alice := simtest.Connect(w, router, server, true, simtest.PeerOptions{})
	video := alice.Produce(proto.Video, "lo", "mid", "hi")
	if video.Type != proto.Simulcast {
		t.Fatalf("type %s", video.Type)
	}
	alice.WaitConnected()
	playSimulcast(t, video)
	bob := simtest.Connect(w, router, server, false, simtest.PeerOptions{})
	see := bob.Consume(video)
	bob.WaitConnected()

	_, last, stamp := see.Read()
	until := func(layer byte) {
		t.Helper()
		for start := time.Now(); ; {
			payload, sequence, timestamp := see.Read()
			if sequence != last+1 {
				t.Fatalf("packet %d after %d", sequence, last)
			}
			if d := int32(timestamp - stamp); d <= 0 || d > 90_000 {
				t.Fatalf("timestamp %d after %d", timestamp, stamp)
			}
			last, stamp = sequence, timestamp
			if payload[len(payload)-1] == layer {
				return
			}
			if time.Since(start) > 30*time.Second {
				t.Fatalf("layer %d does not come", layer)
			}
		}
	}
	until(2)
	for _, layer := range []int{0, 2, 1, 0, 1} {
		r := simtest.Request[proto.SetPreferredLayersResult](w, proto.ConsumerSetPreferredLayers, see.ConsumerID,
			proto.SetPreferredLayers{PreferredLayers: proto.ConsumerLayers{SpatialLayer: layer}})
		if r.PreferredLayers == nil || r.PreferredLayers.SpatialLayer != layer {
			t.Errorf("preferred layers %+v", r.PreferredLayers)
		}
		until(byte(layer))
		simtest.Wait(w, proto.EventConsumerLayersChange, see.ConsumerID, func(c proto.LayersChange) bool {
			return c.Layers != nil && c.Layers.SpatialLayer == layer
		})
	}
}

// packets is how many of its own a consumer or producer has counted.
func (s *scene) packets(method, id string) (n uint64) {
	for _, stats := range simtest.Request[[]proto.RTPStreamStats](s.Worker, method, id, nil) {
		if (stats.Type == "outbound-rtp") == (method == proto.ConsumerGetStats) {
			n += uint64(stats.PacketCount)
		}
	}
	return n
}

// While either side is paused nothing is forwarded; it goes on with a key frame and without a gap in the numbers.
func TestPauseAndResume(t *testing.T) {
	s := newScene(t, simtest.PeerOptions{}, simtest.PeerOptions{})
	tests := []struct{ pause, resume, id string }{
		{proto.ConsumerPause, proto.ConsumerResume, s.see.ConsumerID},
		{proto.ProducerPause, proto.ProducerResume, s.video.ProducerID},
	}
	for _, tt := range tests {
		s.Do(tt.pause, tt.id, nil)
		sent, received := s.packets(proto.ConsumerGetStats, s.see.ConsumerID), s.packets(proto.ProducerGetStats, s.video.ProducerID)
		deadline := time.Now().Add(30 * time.Second)
		for s.packets(proto.ProducerGetStats, s.video.ProducerID) < received+60 { // more than between two key frames
			if time.Now().After(deadline) {
				t.Fatal("the producer receives nothing")
			}
		}
		if now := s.packets(proto.ConsumerGetStats, s.see.ConsumerID); now != sent {
			t.Errorf("%s: %d packets were sent", tt.pause, now-sent)
		}
		s.Do(tt.resume, tt.id, nil)
		for n := uint64(0); ; n++ {
			payload, sequence, _ := s.see.Read()
			if sequence != s.last+1 {
				t.Fatalf("%s: packet %d after %d", tt.resume, sequence, s.last)
			}
			s.last = sequence
			if s.packets(proto.ConsumerGetStats, s.see.ConsumerID) > sent && payload[4]&1 == 0 {
				break
			}
			if n > 10_000 {
				t.Fatal("no key frame after resuming")
			}
		}
		s.contiguous(t, 20, tt.resume)
	}
}

// New ICE credentials on both sides while media flows. pion has no pair for a moment while it restarts; of what it sends, the worker drops nothing.
func TestRestartICEKeepsMedia(t *testing.T) {
	s := newScene(t, simtest.PeerOptions{}, simtest.PeerOptions{})
	s.contiguous(t, 10, "before")
	for range 2 {
		s.alice.RestartICE()
		s.resumes(t, 60)
		s.bob.RestartICE()
		s.resumes(t, 60)
	}
	for _, p := range []*simtest.Peer{s.alice, s.bob} {
		d := simtest.Request[proto.WebRTCTransportDump](s.Worker, proto.TransportDumpMethod, p.Transport.ID, nil)
		if d.ICEState != proto.ICECompleted && d.ICEState != proto.ICEConnected {
			t.Errorf("ICE is %s", d.ICEState)
		}
		stats := simtest.Request[proto.WebRTCTransportStats](s.Worker, proto.TransportGetStats, p.Transport.ID, nil)
		delete(stats.Drops, "stunUsername") // checks that were on their way with the credentials of before
		if len(stats.Drops) != 0 {
			t.Errorf("dropped %v", stats.Drops)
		}
		if d.ICEParameters != p.Transport.ICEParameters {
			t.Errorf("parameters %+v, want %+v", d.ICEParameters, p.Transport.ICEParameters)
		}
	}
}

// R-ICE-4: "A genuine NAT rebinding has media back". The peer goes on from another address, with no word of signaling.
func TestRebinding(t *testing.T) {
	paths := []*simtest.Path{simtest.NewPath(t, nil), simtest.NewPath(t, nil)}
	s := newScene(t, simtest.PeerOptions{Path: paths[0]}, simtest.PeerOptions{Path: paths[1]})
	s.contiguous(t, 10, "before")
	// pion nominates once and never again, and without its interceptors a subscriber sends no reports: these are.
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(400 * time.Millisecond) // pion sends checks only while it sends nothing else for 200 ms
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				_ = s.bob.Connection().WriteRTCP([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 1}})
			}
		}
	}()
	t.Cleanup(func() { close(done); <-ended })
	for i, p := range []*simtest.Peer{s.alice, s.bob} {
		before := simtest.Request[proto.WebRTCTransportDump](s.Worker, proto.TransportDumpMethod, p.Transport.ID, nil).ICESelectedTuple.RemotePort
		paths[i].Rebind(t)
		simtest.Wait(s.Worker, proto.EventICESelectedTupleChange, p.Transport.ID, func(c proto.ICESelectedTupleChange) bool {
			return c.ICESelectedTuple.RemotePort != before
		})
		s.resumes(t, 50) // what was on its way may be lost with the old address
	}
}

// A page that is killed says goodbye by DTLS at best: that is a change of state, and the controller decides.
func TestPeerCloses(t *testing.T) {
	s := newScene(t, simtest.PeerOptions{}, simtest.PeerOptions{})
	s.alice.Close()
	simtest.Wait(s.Worker, proto.EventDTLSStateChange, s.alice.Transport.ID, func(c proto.DTLSStateChange) bool { return c.DTLSState == proto.DTLSClosed })
	d := simtest.Request[proto.RouterDump](s.Worker, proto.RouterDumpMethod, s.router, nil)
	if len(d.TransportIDs) != 2 || len(d.MapConsumerIDProducerID) != 1 {
		t.Errorf("the network closed something: %+v", d)
	}
	s.Do(proto.RouterCloseTransport, s.router, proto.CloseTransport{TransportID: s.alice.Transport.ID})
	simtest.Wait[any](s.Worker, proto.EventConsumerProducerClose, s.see.ConsumerID, nil)
}

// A subscriber that stalls costs the others nothing, and when it says goodbye, it is gone.
func TestStalledSubscriber(t *testing.T) {
	s := newScene(t, simtest.PeerOptions{}, simtest.PeerOptions{})
	path := simtest.NewPath(t, nil)
	carol := simtest.Connect(s.Worker, s.router, s.server, false, simtest.PeerOptions{Path: path})
	hers := carol.Consume(s.video)
	hers.Read()
	path.Stall()
	s.contiguous(t, 400, "while the other stalls")
	if n := s.packets(proto.ConsumerGetStats, hers.ConsumerID); n < 100 { // the other had read less than there was
		t.Errorf("the stalled one was sent %d packets", n)
	}
	carol.Close()
	simtest.Wait(s.Worker, proto.EventDTLSStateChange, carol.Transport.ID, func(c proto.DTLSStateChange) bool { return c.DTLSState == proto.DTLSClosed })
	s.contiguous(t, 50, "after the other left")
}

// What a call without losses leaves in the statistics: bytes and bitrates, and nothing dropped.
func TestStatisticsOfACall(t *testing.T) {
	s := newScene(t, simtest.PeerOptions{}, simtest.PeerOptions{})
	s.contiguous(t, 300, "call")
	stats := simtest.Request[proto.WebRTCTransportStats](s.Worker, proto.TransportGetStats, s.alice.Transport.ID, nil)
	if stats.RTPBytesReceived == 0 || stats.RTPRecvBitrate == 0 || stats.BytesSent == 0 || stats.DTLSState != proto.DTLSConnected || len(stats.Drops) != 0 {
		t.Errorf("publisher: %+v", stats)
	}
	stats = simtest.Request[proto.WebRTCTransportStats](s.Worker, proto.TransportGetStats, s.bob.Transport.ID, nil)
	if stats.RTPBytesSent == 0 || stats.RTPSendBitrate == 0 || math.Abs(float64(stats.RTPBytesSent)/float64(stats.BytesSent)-1) > 0.5 {
		t.Errorf("subscriber: %+v", stats)
	}
}
