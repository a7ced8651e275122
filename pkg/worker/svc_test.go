package worker_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"

	"gazpacho/pkg/simtest"
	"gazpacho/pkg/simtest/scalable"
	"gazpacho/proto"
)

// descriptorID is the id of the dependency descriptor between the publisher and the worker.
const descriptorID = 7

// film plays scalable video: a picture every 10 ms, and a key picture whenever one is asked for. Payloads end in the spatial and the temporal layer.
func film(t *testing.T, s *simtest.Sending, encoder scalable.Encoder, av1 bool) {
	t.Helper()
	asked := make(chan struct{}, 1)
	go func() {
		for {
			packets, _, err := s.Sender.ReadRTCP()
			if err != nil {
				return
			}
			for _, p := range packets {
				if _, ok := p.(*rtcp.PictureLossIndication); ok {
					select {
					case asked <- struct{}{}:
					default:
					}
				}
			}
		}
	}()
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		seq := uint16(65000)
		for n := 0; ; n++ {
			key := n == 0
			select {
			case <-done:
				return
			case <-tick.C:
			}
			select {
			case <-asked:
				key = true
			default:
			}
			for _, p := range encoder.Picture(key, 2) {
				q := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: uint32(n) * 900, Marker: p.Marker}, Payload: p.VP9}
				if av1 {
					q.Payload = p.AV1
					q.Extension, q.ExtensionProfile = true, rtp.ExtensionProfileTwoByte
					_ = q.SetExtension(descriptorID, p.Descriptor)
				}
				q.Payload = append(q.Payload, byte(p.Spatial), byte(p.Temporal))
				_ = s.Tracks[0].WriteRTP(q)
				seq++
			}
		}
	}()
	t.Cleanup(func() { close(done); <-ended })
}

// viewer reads what a subscriber gets of a film.
type viewer struct {
	t     *testing.T
	track *webrtc.TrackRemote
	last  *rtp.Packet
	row   int // packets without a gap
	best  int

	described bool // packets have the dependency descriptor
}

// read reads a packet and checks that the stream goes on: numbers never come twice or go back, pictures end with one marker, and with it only.
func (v *viewer) read() (spatial, temporal int) {
	v.t.Helper()
	if err := v.track.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		v.t.Fatal(err)
	}
	p, _, err := v.track.ReadRTP()
	if err != nil {
		v.t.Fatal(err)
	}
	if got := p.Extension && p.GetExtension(descriptorID) != nil; got != v.described {
		v.t.Fatalf("#%d has a dependency descriptor: %v", p.SequenceNumber, got)
	}
	if v.last != nil {
		switch step := p.SequenceNumber - v.last.SequenceNumber; {
		case step == 0 || step > 1<<15:
			v.t.Fatalf("#%d after #%d", p.SequenceNumber, v.last.SequenceNumber)
		case step > 1: // lost on the way
			v.row = 0
		case v.last.Marker == (p.Timestamp == v.last.Timestamp):
			v.t.Fatalf("#%d at %d after #%d at %d, marker %t", p.SequenceNumber, p.Timestamp, v.last.SequenceNumber, v.last.Timestamp, v.last.Marker)
		}
	}
	v.row++
	v.best = max(v.best, v.row)
	v.last = p
	tail := p.Payload[len(p.Payload)-2:]
	return int(tail[0]), int(tail[1])
}

// until reads until the highest layers of some pictures in a row are those wished for.
func (v *viewer) until(spatial, temporal int) {
	v.t.Helper()
	for start := time.Now(); ; {
		layers := [2]int{}
		for range 32 { // at least one round of temporal layers
			s, t := v.read()
			layers[0], layers[1] = max(layers[0], s), max(layers[1], t)
		}
		if layers == [2]int{spatial, temporal} {
			return
		}
		if time.Since(start) > 20*time.Second {
			v.t.Fatalf("layers %v instead of %d.%d", layers, spatial, temporal)
		}
	}
}

// scalableVideo makes a publisher of scalable video and its producer. To pion it is VP8, which does not look into payloads.
func scalableVideo(alice *simtest.Peer, w *simtest.Worker, mime, mode string) *simtest.Sending {
	s := alice.Offer(proto.Video)
	s.ProducerID = w.ID("producer")
	s.Parameters.Codecs[0].MimeType = mime
	s.Parameters.Encodings[0].ScalabilityMode = mode
	s.Parameters.HeaderExtensions = append(s.Parameters.HeaderExtensions, proto.RTPHeaderExtensionParameters{
		URI: "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension", ID: descriptorID,
	})
	s.Type = simtest.Request[proto.ProduceResult](w, proto.TransportProduce, alice.Transport.ID, s.Request()).Type
	return s
}

// watch makes a consumer and the subscriber's track.
func watch(t *testing.T, bob *simtest.Peer, w *simtest.Worker, s *simtest.Sending) (id string, v *viewer) {
	id = w.ID("consumer")
	params := s.Parameters
	params.MID = "0"
	params.Encodings = []proto.RTPEncodingParameters{{SSRC: 7_000_000, RTX: &proto.RTXEncoding{SSRC: 7_000_001}, ScalabilityMode: s.Parameters.Encodings[0].ScalabilityMode}}
	simtest.Request[proto.ConsumeResult](w, proto.TransportConsume, bob.Transport.ID, proto.Consume{
		ConsumerID: id, ProducerID: s.ProducerID, Kind: s.Kind, RTPParameters: params, Type: s.Type,
		ConsumableRTPEncodings: []proto.RTPEncodingParameters{{SSRC: s.Mapping.Encodings[0].MappedSSRC}},
	})
	tracks := make(chan *webrtc.TrackRemote, 1)
	bob.Played(bob.Accept(id, s.Kind, params), func(track *webrtc.TrackRemote) { tracks <- track })
	select {
	case track := <-tracks:
		return id, &viewer{t: t, track: track, described: s.Parameters.Codecs[0].MimeType == "video/AV1"}
	case <-time.After(20 * time.Second):
		t.Fatal("there is no track")
		return "", nil
	}
}

// Layers are switched as the subscriber wishes, and what it gets is one continuous stream, whatever codec and mode.
func TestScalableVideo(t *testing.T) {
	for _, tt := range []struct {
		name, mime, mode string
		encoder          scalable.Mode
	}{
		{"VP9", "video/VP9", "L3T3", scalable.Mode{Spatial: 3, Temporal: 3}},
		{"VP9 K-SVC", "video/VP9", "L3T3_KEY", scalable.Mode{Spatial: 3, Temporal: 3, Key: true}},
		{"AV1", "video/AV1", "L3T3", scalable.Mode{Spatial: 3, Temporal: 3}},
		{"AV1 K-SVC", "video/AV1", "L3T3_KEY", scalable.Mode{Spatial: 3, Temporal: 3, Key: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := simtest.StartWorker(t)
			router, server := w.Router(), w.Server()
			alice := simtest.Connect(w, router, server, true, simtest.PeerOptions{})
			s := scalableVideo(alice, w, tt.mime, tt.mode)
			if s.Type != proto.SVC {
				t.Fatalf("a producer of type %s", s.Type)
			}
			alice.WaitConnected()
			film(t, s, scalable.Encoder{Mode: tt.encoder}, tt.mime == "video/AV1")
			bob := simtest.Connect(w, router, server, false, simtest.PeerOptions{})
			id, v := watch(t, bob, w, s)
			v.until(2, 2)
			for _, l := range [][2]int{{0, 0}, {1, 1}, {2, 2}} {
				r := simtest.Request[proto.SetPreferredLayersResult](w, proto.ConsumerSetPreferredLayers, id, proto.SetPreferredLayers{
					PreferredLayers: proto.ConsumerLayers{SpatialLayer: l[0], TemporalLayer: &l[1]},
				})
				if r.PreferredLayers.SpatialLayer != l[0] || *r.PreferredLayers.TemporalLayer != l[1] {
					t.Errorf("%v became %+v", l, r.PreferredLayers)
				}
				v.until(l[0], l[1])
				simtest.Wait(w, proto.EventConsumerLayersChange, id, func(c proto.LayersChange) bool {
					return c.Layers != nil && c.Layers.SpatialLayer == l[0] && *c.Layers.TemporalLayer == l[1]
				})
			}
			if v.best < 40 {
				t.Errorf("never more than %d packets in a row", v.best)
			}
			stats := simtest.Request[[]proto.RTPStreamStats](w, proto.ProducerGetStats, s.ProducerID, nil)
			if len(stats) != 1 || len(*stats[0].BitrateByLayer) != 9 {
				t.Errorf("%+v", stats)
			}
		})
	}
}

// The number of a picture, which payload descriptors of VP9 have in the second and third byte, goes on when a subscriber comes back from a pause.
func TestScalableVideoPause(t *testing.T) {
	w := simtest.StartWorker(t)
	router, server := w.Router(), w.Server()
	alice := simtest.Connect(w, router, server, true, simtest.PeerOptions{})
	s := scalableVideo(alice, w, "video/VP9", "L2T1")
	alice.WaitConnected()
	film(t, s, scalable.Encoder{Mode: scalable.Mode{Spatial: 2, Temporal: 1}}, false)
	bob := simtest.Connect(w, router, server, false, simtest.PeerOptions{})
	id, v := watch(t, bob, w, s)
	v.until(1, 0)
	picture := func() uint16 { return binary.BigEndian.Uint16(v.last.Payload[1:]) & 0x7fff }
	received := func() uint64 {
		return simtest.Request[[]proto.RTPStreamStats](w, proto.ProducerGetStats, s.ProducerID, nil)[0].PacketCount
	}
	before := picture()
	w.Do(proto.ConsumerPause, id, nil)
	for start := received(); received() < start+60; { // pictures that the subscriber does not get
	}
	w.Do(proto.ConsumerResume, id, nil)
	seq := v.last.SequenceNumber
	for range 40 {
		v.read()
		ids, pictures := (picture()-before)&0x7fff, v.last.SequenceNumber-seq
		// Four packets a picture: what was on its way when the pause began included, ids grow no faster than that.
		if ids > pictures/4+2 {
			t.Fatalf("%d ids in %d packets", ids, pictures)
		}
	}
}
