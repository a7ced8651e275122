package bwe

import (
	"time"

	"gazpacho/pkg/rtp"
)

// arrivals are the times of the peer's clock, made free of wraps.
type arrivals struct {
	clock rtp.Unwrapper[uint32]
	last  time.Duration // of the packet reported last
	sent  time.Duration // when that was sent
	any   bool
}

// at returns when a packet arrived on the peer's clock. It returns false when that clock jumped: nothing from before can be compared.
func (a *arrivals) at(f *flight, tick uint32) (arrival time.Duration, ok bool) {
	arrival = time.Duration(a.clock.Unwrap(tick)) * rtp.TransportTick
	ok = !a.any || (arrival-a.last-(f.sent-a.sent)).Abs() <= clockJump
	a.last, a.sent, a.any = arrival, f.sent, true
	return arrival, ok
}

// Feedback takes a report of the peer. Packets that are not known, or were reported before, count for nothing, and a report of more packets than
// were sent is read as far as that.
func (s *Sender) Feedback(now time.Time, report rtp.Arrivals) {
	behind, ok := s.flights.behind(report.SequenceNumber + 1)
	n := min(report.Len(), behind+1)
	if !s.cfg.Feedback || !ok || n > int(s.credit) {
		s.refused++
		return
	}
	s.credit -= int32(n)
	r := reading{state: normalUse}
	for ; n > 0 && report.Next(); n-- {
		s.status(&report, &r)
	}
	if r.expected+r.landed == 0 {
		return // nothing new
	}
	if s.heardAt.IsZero() || now.Sub(s.heardAt) > silence {
		s.forget()
	}
	s.heardAt, s.fed = now, true
	s.average.add(r.expected, r.lost)
	s.loss.count(now, r.expected, r.lost-r.late)
	s.measure(now)
	if r.landed > 0 {
		s.noteRTT(now.Sub(s.epoch) - r.newest)
		s.control.most = float64(s.Most())
		s.adjust(now, &r)
	}
	s.conclude(now)
}

// reading is what one report says.
type reading struct {
	expected int // packets reported for the first time
	lost     int // of those
	late     int // packets that were reported lost before, and are not
	landed   int
	newest   time.Duration // sending time of the newest that landed
	state    usage
	judged   bool
}

// status takes what a report says of one packet.
func (s *Sender) status(report *rtp.Arrivals, r *reading) {
	f := s.flights.find(report.SequenceNumber)
	switch {
	case f == nil || f.fate == landed:
		return
	case !report.Received:
		if f.fate == flying {
			f.fate = missing
			r.expected++
			r.lost++
		}
		return
	case f.fate == missing:
		r.late++
	default:
		r.expected++
	}
	f.fate = landed
	r.landed++
	r.newest = max(r.newest, f.sent)
	arrival, ok := s.arrivals.at(f, report.Tick)
	if !ok {
		s.forget()
	}
	s.acked.add(s.epoch.Add(arrival), int(f.size))
	if f.cluster != 0 {
		if c := &s.prober.cluster; f.cluster == c.id {
			c.arrived(f, arrival)
		}
		return // it makes a queue on purpose
	}
	if v, ok := s.bursts.add(f.sent, arrival); ok {
		state := s.detector.update(s.trend.add(v), v)
		if !r.judged || r.state != overUse {
			r.state, r.judged = state, true
		}
	}
}

// forget begins anew with a path that cannot be compared with the one before. The estimate stays.
func (s *Sender) forget() {
	s.bursts, s.trend, s.detector = bursts{}, trend{}, detector{}
	s.acked = throughput{width: ackedBucket}
}

// believable is how many times faster than sent packets may arrive: those that waited in a queue. Else the peer's clock is wrong, or it lies.
const believable = 2

// noteRTT smooths the round trip, in which the peer's interval between reports is contained.
func (s *Sender) noteRTT(rtt time.Duration) {
	rtt = min(max(rtt, time.Millisecond), clockJump)
	if s.control.rtt == 0 {
		s.control.rtt = rtt
		return
	}
	s.control.rtt += (rtt - s.control.rtt) / 8
}

// adjust lets both controllers have their say.
func (s *Sender) adjust(now time.Time, r *reading) {
	if r.judged {
		s.state = r.state
	}
	before := s.estimate()
	incoming, known := s.acked.bitrate(s.epoch.Add(s.arrivals.last))
	if sending, ok := s.sent.bitrate(now); ok {
		incoming = min(incoming, believable*sending)
	}
	switch {
	case s.state == overUse:
		s.overAt = now
		if s.limited {
			// What little is sent says nothing of what the path carried: back off from the estimate.
			incoming, known = max(incoming, int(before)), true
		}
		s.control.update(now, overUse, incoming, known)
	case r.judged:
		s.control.update(now, s.state, incoming, known)
	}
	s.loss.update(now, s.estimate(), s.control.rtt)
	s.loss.lift(s.control.bitrate)
	if after := s.estimate(); after < before {
		s.prober.fell(now, before, after)
	}
}

// conclude takes the result of a probe as soon as it is there.
func (s *Sender) conclude(now time.Time) {
	if s.prober.cluster.id == 0 {
		return
	}
	bitrate, ok := s.prober.cluster.result()
	if !ok {
		return
	}
	before := s.estimate()
	if s.state == overUse || !s.prober.found(now, bitrate, before) {
		s.prober.cluster = cluster{}
		return
	}
	s.control.bitrate, s.control.changedAt = min(bitrate, max(float64(s.Most()), before)), now
	s.control.capacity = capacity{}
	s.loss.ceiling = 0
	s.acked = throughput{width: ackedBucket} // what came until now would make a decrease too deep
}
