package attack

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pion/webrtc/v3"

	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// stage is a worker with a call on it: alice publishes audio and video, bob watches. The test holds both their sockets.
type stage struct {
	*simtest.Process
	router, server string
	at, tcp        netip.AddrPort // where media comes in
	relays         netip.AddrPort // where clients of relays come, if there are any
	alice, bob     *simtest.Peer
	paths          [2]*simtest.Path // theirs, in this order
	video, audio   *simtest.Sending
	call           *call
	asked          atomic.Int64 // key frames that alice was asked for

	silent *simtest.Raw // once it was connected, and then said nothing more

	mu     sync.Mutex
	checks [2][][]byte // connectivity checks that they sent
}

// newStage starts a worker and a call. What has to be done before is done to the worker alone.
func newStage(t *testing.T, before ...func(*stage)) *stage {
	t.Helper()
	s := &stage{Process: simtest.StartProcess(t, binaries), call: &call{}}
	for _, f := range before {
		f(s)
	}
	s.router, s.server = s.Router(), s.Server()
	for i := range s.paths {
		s.paths[i] = simtest.NewPath(t, func(datagram []byte) bool {
			if datagram[0] == 0 && datagram[1] == 1 {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.checks[i] = append(s.checks[i], slices.Clone(datagram))
			}
			return false
		})
	}
	s.alice = simtest.Connect(s.Worker, s.router, s.server, true, simtest.PeerOptions{Path: s.paths[0]})
	s.video, s.audio = s.alice.Produce(proto.Video), s.alice.Produce(proto.Audio)
	s.alice.WaitConnected()
	for _, c := range s.alice.Transport.ICECandidates {
		at := netip.AddrPortFrom(netip.MustParseAddr(c.Address), c.Port)
		if c.Protocol == "tcp" {
			s.tcp = at
		} else {
			s.at = at
		}
	}
	s.bob = simtest.Connect(s.Worker, s.router, s.server, false, simtest.PeerOptions{Path: s.paths[1]})
	flows := []*flow{
		{head: vp8Head, step: 450, write: s.video.Tracks[0].WriteRTP},
		{head: []byte{0x78}, step: 960, write: s.audio.Tracks[0].WriteRTP},
	}
	var readers sync.WaitGroup
	for i, sending := range []*simtest.Sending{s.video, s.audio} {
		receiving := s.bob.Consume(sending)
		s.bob.Played(receiving, func(track *webrtc.TrackRemote) {
			readers.Go(func() { flows[i].receive(track) })
		})
	}
	s.bob.WaitConnected()
	readers.Go(func() { countKeyFrameRequests(s.video.Sender, func() { s.asked.Add(1) }) })
	t.Cleanup(func() {
		s.alice.Close()
		s.bob.Close()
		readers.Wait()
	})
	s.call.flows = flows
	s.call.start(t)
	s.call.begun(t)
	return s
}

// stats is what the worker counts.
func (s *stage) stats() proto.WorkerStats {
	return simtest.Request[proto.WorkerStats](s.Worker, proto.WorkerGetStats, "", nil)
}

// of is what a peer's transport counts.
func (s *stage) of(p *simtest.Peer) proto.WebRTCTransportStats {
	return simtest.Request[proto.WebRTCTransportStats](s.Worker, proto.TransportGetStats, p.Transport.ID, nil)
}

// raw is a further client in the room, which has a key to everything a client has.
func (s *stage) raw(o simtest.RawOptions) *simtest.Raw {
	return simtest.ConnectRaw(s.Worker, s.router, s.server, o)
}

// expel ends a client and its transport.
func (s *stage) expel(r *simtest.Raw) {
	r.Close()
	s.Do(proto.RouterCloseTransport, s.router, proto.CloseTransport{TransportID: r.Transport.ID})
}

// overheard are the checks that both peers have sent so far.
func (s *stage) overheard() (all [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, list := range s.checks {
		all = append(all, list...)
	}
	return all
}

// sentMedia is what alice sent lately: RTP, or RTCP if control is set.
func (s *stage) sentMedia(control bool) (list [][]byte) {
	for _, b := range s.paths[0].Sent() {
		if isRTCP := b[1] >= 192 && b[1] <= 223; b[0]&0xc0 == 0x80 && isRTCP == control {
			list = append(list, b)
		}
	}
	return list
}

// state is what of a call must not change.
type state struct {
	ice, dtls, tuple string
}

func (s *stage) states() (list [2]state) {
	for i, p := range []*simtest.Peer{s.alice, s.bob} {
		stats := s.of(p)
		list[i] = state{ice: stats.ICEState, dtls: stats.DTLSState}
		if t := stats.ICESelectedTuple; t != nil {
			list[i].tuple = netip.AddrPortFrom(netip.MustParseAddr(t.RemoteIP), t.RemotePort).String()
		}
	}
	return list
}

// panicIn is the first line of a log that speaks of a panic.
func panicIn(log string) string {
	for line := range strings.Lines(log) {
		if strings.Contains(line, "panic") || strings.Contains(line, "goroutine ") {
			return line
		}
	}
	return ""
}
