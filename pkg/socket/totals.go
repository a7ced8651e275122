package socket

import "sync"

// totals sums the counters of a registry's sockets, so that nothing that was counted is lost when one closes. A socket is entered when
// it opens, and folded in when nobody counts on it any more, which may be a while after Close.
type totals struct {
	mu   sync.Mutex
	udp  map[*UDP]struct{}
	tcp  map[*TCPServer]struct{}
	sums Totals // of those that are gone
}

// Totals is what all sockets of a registry counted, those that are closed included.
type Totals struct {
	UDP UDPStats
	TCP TCPStats
}

// Totals may be called from any goroutine. It asks the system about every UDP socket: with thousands of them it takes milliseconds,
// in which no lock is held.
func (l *Links) Totals() Totals {
	t := &l.totals
	t.mu.Lock()
	sum := t.sums
	udp := make([]*UDP, 0, len(t.udp))
	for u := range t.udp {
		udp = append(udp, u)
	}
	tcp := make([]*TCPServer, 0, len(t.tcp))
	for s := range t.tcp {
		tcp = append(tcp, s)
	}
	t.mu.Unlock()
	for _, u := range udp {
		sum.UDP.add(u.Stats())
	}
	for _, s := range tcp {
		sum.TCP.add(s.Stats())
	}
	return sum
}

func (t *totals) enterUDP(u *UDP) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.udp[u] = struct{}{}
}

func (t *totals) enterTCP(s *TCPServer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tcp[s] = struct{}{}
}

// foldUDP is called once for each socket, when its last batch was counted.
func (t *totals) foldUDP(u *UDP) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.udp, u)
	t.sums.UDP.add(u.Stats())
}

// foldTCP is called once for each server, when its last connection is gone.
func (t *totals) foldTCP(s *TCPServer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.tcp, s)
	t.sums.TCP.add(s.Stats())
}

func (s *UDPStats) add(o UDPStats) {
	s.Packets += o.Packets
	s.Bytes += o.Bytes
	s.Batches += o.Batches
	s.TooLong += o.TooLong
	s.Empty += o.Empty
	s.Unreachable += o.Unreachable
	s.Failures += o.Failures
	s.KernelDrops += o.KernelDrops
}

func (s *TCPStats) add(o TCPStats) {
	s.Open += o.Open
	s.Accepted += o.Accepted
	s.Refused += o.Refused
	s.Failures += o.Failures
	s.Packets += o.Packets
	s.Bytes += o.Bytes
	s.Expired += o.Expired
	s.Idle += o.Idle
	s.NotSTUN += o.NotSTUN
	s.TooLong += o.TooLong
	s.Behind += o.Behind
}
