package attack

import (
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
)

// Times of a call. A packet's payload begins with head, then its number in its track, then when it was sent.
const (
	beat     = 5 * time.Millisecond // of video; audio has a fourth of it
	stamp    = 16
	bodySize = 300
	lateness = 3 * time.Second // what has not come by then is lost
)

// vp8Head opens a VP8 payload with a picture id, of a key frame.
var vp8Head = []byte{0x90, 0x80, 0x80, 0x01, 0, 0x9d, 0x01, 0x2a}

// flow is one track on its way from a publisher to a subscriber: what was sent, and what came when.
type flow struct {
	head  []byte
	write func(*rtp.Packet) error
	step  uint32 // of the RTP timestamp

	mu       sync.Mutex
	sentAt   []time.Time
	delay    []time.Duration // by number; 0 is not come
	reorders int
	last     int
}

// send sends the next packet.
func (f *flow) send() {
	f.mu.Lock()
	n := len(f.sentAt)
	f.sentAt = append(f.sentAt, time.Now())
	f.delay = append(f.delay, 0)
	f.mu.Unlock()
	payload := make([]byte, len(f.head)+bodySize)
	copy(payload, f.head)
	binary.BigEndian.PutUint64(payload[len(f.head):], uint64(n))
	_ = f.write(&rtp.Packet{
		Header:  rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(n) * f.step, Marker: true},
		Payload: payload,
	})
}

// receive reads what comes until the track ends.
func (f *flow) receive(track *webrtc.TrackRemote) {
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		if len(p.Payload) < len(f.head)+stamp {
			continue
		}
		n := int(binary.BigEndian.Uint64(p.Payload[len(f.head):]))
		now := time.Now()
		f.mu.Lock()
		if n < len(f.sentAt) && f.delay[n] == 0 {
			f.delay[n] = max(1, now.Sub(f.sentAt[n]))
			if n < f.last {
				f.reorders++
			}
			f.last = max(f.last, n)
		}
		f.mu.Unlock()
	}
}

// sent is how many packets there were so far.
func (f *flow) sent() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.sentAt)
}

// between are the delays of a range of packets, and how many were lost. What is on its way is waited for.
func (f *flow) between(from, to int) (delays []time.Duration, lost int) {
	for deadline := time.Now().Add(lateness); ; time.Sleep(10 * time.Millisecond) {
		delays, lost = delays[:0], 0
		f.mu.Lock()
		for _, d := range f.delay[from:to] {
			if d == 0 {
				lost++
			} else {
				delays = append(delays, d)
			}
		}
		f.mu.Unlock()
		if lost == 0 || time.Now().After(deadline) {
			return delays, lost
		}
	}
}

// call is all flows of a room.
type call struct {
	flows []*flow
	done  chan struct{}
	wait  sync.WaitGroup
}

// start sends until the test ends.
func (c *call) start(t *testing.T) {
	c.done = make(chan struct{})
	c.wait.Go(func() {
		tick := time.NewTicker(beat)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-c.done:
				return
			case <-tick.C:
			}
			for i, f := range c.flows {
				if i == 0 || n%4 == 0 { // the first is video
					f.send()
				}
			}
		}
	})
	t.Cleanup(c.stop)
}

// begun waits until all tracks arrive.
func (c *call) begun(t *testing.T) {
	t.Helper()
	await(t, "the call begins", func() bool {
		for _, f := range c.flows {
			f.mu.Lock()
			arrives := f.last > 0
			f.mu.Unlock()
			if !arrives {
				return false
			}
		}
		return true
	})
}

func (c *call) stop() {
	select {
	case <-c.done:
	default:
		close(c.done)
	}
	c.wait.Wait()
}

// mark is a place in the flows of a call.
type mark []int

func (c *call) mark() mark {
	m := make(mark, len(c.flows))
	for i, f := range c.flows {
		m[i] = f.sent()
	}
	return m
}

// quality is how a stretch of a call was.
type quality struct {
	sent, lost int
	p50, p99   time.Duration
}

// since is how the call was between two marks.
func (c *call) since(from, to mark) (q quality) {
	var all []time.Duration
	for i, f := range c.flows {
		delays, lost := f.between(from[i], to[i])
		all = append(all, delays...)
		q.sent += to[i] - from[i]
		q.lost += lost
	}
	slices.Sort(all)
	if len(all) > 0 {
		q.p50, q.p99 = all[len(all)/2], all[len(all)*99/100]
	}
	return q
}

// countKeyFrameRequests counts those that a sender is asked for, until it closes.
func countKeyFrameRequests(s *webrtc.RTPSender, note func()) {
	for {
		packets, _, err := s.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			switch p.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				note()
			}
		}
	}
}
