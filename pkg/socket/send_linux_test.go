package socket

import (
	"net/netip"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"gazpacho/pkg/tuple"
)

// script plays the kernel: it records what it is given, and answers by the message.
type script struct {
	messages [][]int // the packet lengths of each message that was taken
	segments []int   // their segment size, 0 for none
	answer   func(m *unix.Mmsghdr) syscall.Errno
}

// segmentOf reads the control message of a message, 0 if there is none.
func segmentOf(h *unix.Msghdr) int {
	if h.Controllen == 0 {
		return 0
	}
	oob := unsafe.Slice(h.Control, int(h.Controllen))
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) != 1 {
		return -1
	}
	m := messages[0]
	if m.Header.Level != unix.SOL_UDP || m.Header.Type != unix.UDP_SEGMENT || len(m.Data) != 2 {
		return -1
	}
	return int(*(*uint16)(unsafe.Pointer(&m.Data[0])))
}

func lengths(h *unix.Msghdr) (n []int, total int) {
	for _, iov := range unsafe.Slice(h.Iov, int(h.Iovlen)) {
		n = append(n, int(iov.Len))
		total += int(iov.Len)
	}
	return n, total
}

// call behaves as sendmmsg does: it stops at the first message that is refused, and says why only if
// that is the first of the call.
func (s *script) call(_ uintptr, first *unix.Mmsghdr, n int) (int, syscall.Errno) {
	msgs := unsafe.Slice(first, n)
	for i := range msgs {
		if s.answer != nil {
			if errno := s.answer(&msgs[i]); errno != 0 {
				if i > 0 {
					return i, 0
				}
				return 0, errno
			}
		}
		lens, total := lengths(&msgs[i].Hdr)
		msgs[i].Len = uint32(total)
		s.messages = append(s.messages, lens)
		s.segments = append(s.segments, segmentOf(&msgs[i].Hdr))
	}
	return n, 0
}

func scripted(t testing.TB, s *script) (*Egress, *UDP) {
	t.Helper()
	links := NewLinks()
	u := listenUDP(t, links, loopback4, Options{})
	u.conn.(*rawUDP).gso = true
	e := NewEgress(links)
	e.vector.kernel = s.call
	return e, u
}

func peer(u *UDP, port uint16) tuple.Tuple {
	return tuple.Of(tuple.UDP, u.Link(), u.Local(), netip.AddrPortFrom(loopback4.Addr(), port))
}

func queue(e *Egress, to tuple.Tuple, sizes ...int) {
	for _, n := range sizes {
		e.Next()
		e.Commit(n, to)
	}
}

func repeat(n, size int) []int {
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = size
	}
	return sizes
}

// "several packets to one peer in one call: equal size but for a shorter last one, ≤ 64 segments,
// ≤ 64 KB"
func TestSegmentation(t *testing.T) {
	tests := []struct {
		name  string
		sizes []int
		want  []int // packets per message
	}{
		{"one", []int{1200}, []int{1}},
		{"equal", []int{1200, 1200, 1200}, []int{3}},
		{"shorter last", []int{1200, 1200, 300}, []int{3}},
		{"shorter in the middle", []int{1200, 300, 1200, 1200}, []int{2, 2}},
		{"longer second", []int{300, 1200, 1200}, []int{1, 2}},
		{"falling", []int{500, 400, 300, 200}, []int{2, 2}},
		{"65 small", repeat(65, 100), []int{64, 1}},
		{"130 small", repeat(130, 100), []int{64, 64, 2}},
		{"64 KB", repeat(60, 1200), []int{54, 6}},
		{"just 64 KB with a shorter last", append(repeat(43, 1500), 987), []int{44}},
		{"over 64 KB with a shorter last", append(repeat(43, 1500), 988), []int{43, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &script{}
			e, u := scripted(t, s)
			queue(e, peer(u, 9), tt.sizes...)
			e.Flush()
			at := 0
			for i, lens := range s.messages {
				if i >= len(tt.want) || len(lens) != tt.want[i] {
					t.Fatalf("messages %v, want %v packets each", s.messages, tt.want)
				}
				if want := tt.sizes[at]; len(lens) > 1 && s.segments[i] != want || len(lens) == 1 && s.segments[i] != 0 {
					t.Errorf("message %d has segment size %d, first packet %d", i, s.segments[i], want)
				}
				for _, n := range lens {
					if n != tt.sizes[at] {
						t.Errorf("packet %d is %d long", at, n)
					}
					at++
				}
			}
			stats := e.Stats()
			if at != len(tt.sizes) || stats.Sent != uint64(at) || stats.Messages != uint64(len(tt.want)) || stats.Calls != 1 {
				t.Errorf("%d packets went, stats %+v", at, stats)
			}
		})
	}
}

// Packets for many peers in any order are one call, and one message for each peer.
func TestGrouping(t *testing.T) {
	s := &script{}
	e, u := scripted(t, s)
	for range 4 {
		for port := range uint16(100) {
			queue(e, peer(u, 1000+port), 1200)
		}
	}
	e.Flush()
	if stats := e.Stats(); stats.Sent != 400 || stats.Messages != 100 || stats.Calls != 1 {
		t.Errorf("%+v", stats)
	}
}

// EAGAIN: the socket's buffer is full. What is left is dropped, not waited for.
func TestFullSocketDropsTheRest(t *testing.T) {
	taken := 0
	s := &script{answer: func(*unix.Mmsghdr) syscall.Errno {
		if taken++; taken > 3 {
			return unix.EAGAIN
		}
		return 0
	}}
	e, u := scripted(t, s)
	for port := range uint16(10) {
		queue(e, peer(u, 1000+port), 1200, 1200)
	}
	e.Flush()
	if stats := e.Stats(); stats.Sent != 6 || stats.Full != 14 || stats.Calls != 2 {
		t.Errorf("%+v", stats)
	}
	s.answer = nil
	queue(e, peer(u, 1000), 1200)
	e.Flush()
	if stats := e.Stats(); stats.Sent != 7 || stats.Full != 14 {
		t.Errorf("after the buffer emptied: %+v", stats)
	}
}

// "on EIO fall back for good"
func TestEIOEndsSegmentation(t *testing.T) {
	s := &script{answer: func(m *unix.Mmsghdr) syscall.Errno {
		if segmentOf(&m.Hdr) != 0 {
			return unix.EIO
		}
		return 0
	}}
	e, u := scripted(t, s)
	queue(e, peer(u, 1), 1200, 1200, 300)
	queue(e, peer(u, 2), 1200)
	queue(e, peer(u, 3), 1200, 1200)
	e.Flush()
	stats := e.Stats()
	if stats.Sent != 6 || stats.Bytes != 5*1200+300 || stats.Dropped() != 0 || stats.Split != 2 {
		t.Fatalf("%+v", stats)
	}
	queue(e, peer(u, 1), 1200, 1200)
	e.Flush()
	if stats := e.Stats(); stats.Split != 2 || stats.Sent != 8 {
		t.Errorf("segmentation was tried again: %+v", stats)
	}
	for i, lens := range s.messages {
		if len(lens) != 1 || s.segments[i] != 0 {
			t.Errorf("message %d holds %v", i, lens)
		}
	}
}

// EINVAL to a message of several packets: they are longer than this path's MTU. Single packets are
// fragmented; other paths are not the worse for it.
func TestSmallPathMTUSplitsOneMessage(t *testing.T) {
	s := &script{answer: func(m *unix.Mmsghdr) syscall.Errno {
		if segmentOf(&m.Hdr) == 1200 {
			return unix.EINVAL
		}
		return 0
	}}
	e, u := scripted(t, s)
	queue(e, peer(u, 1), 1200, 1200)
	queue(e, peer(u, 2), 1000, 1000)
	e.Flush()
	stats := e.Stats()
	if stats.Sent != 4 || stats.Messages != 3 || stats.Split != 1 || !u.conn.(*rawUDP).gso {
		t.Errorf("%+v", stats)
	}
}

func TestRefusalsAreCountedByReason(t *testing.T) {
	tests := []struct {
		errno syscall.Errno
		count func(EgressStats) uint64
	}{
		{unix.ENOBUFS, func(s EgressStats) uint64 { return s.Full }},
		{unix.EMSGSIZE, func(s EgressStats) uint64 { return s.TooLong }},
		{unix.ECONNREFUSED, func(s EgressStats) uint64 { return s.Unreachable }},
		{unix.ENETUNREACH, func(s EgressStats) uint64 { return s.Unreachable }},
		{unix.EHOSTUNREACH, func(s EgressStats) uint64 { return s.Unreachable }},
		{unix.EPERM, func(s EgressStats) uint64 { return s.Unreachable }},
		{unix.ENOMEM, func(s EgressStats) uint64 { return s.Failed }},
	}
	for _, tt := range tests {
		t.Run(unix.ErrnoName(tt.errno), func(t *testing.T) {
			calls := 0
			s := &script{answer: func(*unix.Mmsghdr) syscall.Errno {
				if calls++; calls == 2 || calls == 3 { // ends a call, then is the first of the next
					return tt.errno
				}
				return 0
			}}
			e, u := scripted(t, s)
			queue(e, peer(u, 1), 1200)
			queue(e, peer(u, 2), 1200, 1200, 1200)
			queue(e, peer(u, 3), 1200)
			e.Flush()
			if stats := e.Stats(); tt.count(stats) != 3 || stats.Sent != 2 || stats.Dropped() != 3 {
				t.Errorf("%+v", stats)
			}
		})
	}
}

// Conservation: whatever the kernel answers, every packet is sent or dropped under one reason, and a
// flush ends.
func TestEgressConservesPackets(t *testing.T) {
	s := &script{}
	e, u := scripted(t, s)
	committed := uint64(0)
	errnos := []syscall.Errno{0, 0, 0, unix.EINTR, unix.EAGAIN, unix.EIO, unix.EINVAL, unix.EPERM, unix.ENOBUFS, unix.EMSGSIZE, unix.ENOMEM}
	rapid.Check(t, func(t *rapid.T) {
		u.conn.(*rawUDP).gso = rapid.Bool().Draw(t, "gso")
		answers := rapid.SliceOfN(rapid.SampledFrom(errnos), 1, 40).Draw(t, "answers")
		at := 0
		s.answer = func(*unix.Mmsghdr) syscall.Errno {
			if at >= len(answers) {
				return 0
			}
			at++
			return answers[at-1]
		}
		for range rapid.IntRange(0, 60).Draw(t, "packets") {
			to := peer(u, uint16(rapid.IntRange(1, 6).Draw(t, "port")))
			queue(e, to, rapid.SampledFrom([]int{100, 1200}).Draw(t, "size"))
			committed++
		}
		e.Flush()
		if stats := e.Stats(); stats.Sent+stats.Dropped() != committed {
			t.Fatalf("%d committed, %+v", committed, stats)
		}
	})
}

// The kernel of this machine segments on loopback: the probe says so, and a run leaves as one.
func TestKernelSegments(t *testing.T) {
	links := NewLinks()
	u := listenUDP(t, links, loopback4, Options{})
	to, packets := receivers(t, links, u, 1)
	e := NewEgress(links)
	for range 10 {
		commit(e, to[0], filler(1200, 'x'))
	}
	e.Flush()
	for range 10 {
		if p := next(t, packets[0]); len(p.data) != 1200 {
			t.Errorf("got %d bytes", len(p.data))
		}
	}
	want := uint64(10)
	if u.conn.(*rawUDP).gso {
		want = 1
	}
	if s := e.Stats(); s.Sent != 10 || s.Messages != want {
		t.Errorf("%+v", s)
	}
}
