package bwe

import "time"

// SenderConfig is what a Sender is given. Bitrates are bit/s.
type SenderConfig struct {
	Start    int  // the estimate before anything is known
	Feedback bool // the peer may report by transport-wide sequence numbers; as long as it does not, REMB and receiver reports count
}

// Sender estimates on the sending side how much a path carries: by delay and by loss, from the peer's transport-wide feedback (Google Congestion
// Control, draft-ietf-rmcat-gcc-02, whose controllers are those of the receiving Estimator), and by probing for more than is sent. Peers without
// such feedback estimate themselves and tell by REMB. ESTIMATOR.md describes it.
type Sender struct {
	// What each packet touches, side by side: with many peers memory is what costs.
	epoch   time.Time // of both clocks
	flights flights
	bytes   int   // sent since the last report
	passed  int   // sent since the last REMB
	packets int32 // since the last report
	credit  int32 // statuses that reports may still hold
	cluster uint8 // that is being sent, 0 is none
	fed     bool  // there was a report
	limited bool  // the application sends less than it may
	state   usage

	cfg      SenderConfig
	min, max int // the application's, 0 is none
	desired  int // what is of use to the application

	arrivals arrivals
	acked    throughput // of the peer's clock
	sent     throughput
	bursts   bursts
	trend    trend
	detector detector
	control  control
	loss     lossControl
	average  lossAverage
	prober   prober

	overAt  time.Time // when the path was overused last
	heardAt time.Time // of the last report or REMB; zero before the first
	sending sending
	remb    int // a ceiling of the peer's, bit/s; 0 is none
	refused uint64
}

// Bounds of what reports may cost: for each packet sent, that many statuses are read, and a while's worth is saved up.
const (
	creditPerPacket = 4
	creditMax       = maxFlights
)

// ackedBucket makes the window of what is acknowledged half a second: it follows a fall of the path sooner than the draft's second.
const ackedBucket = 500 * time.Millisecond / throughputBuckets

// NewSender makes a Sender that estimates cfg.Start until the peer says more.
func NewSender(cfg SenderConfig) *Sender {
	cfg.Start = max(cfg.Start, minBitrate)
	s := &Sender{cfg: cfg}
	s.control.bitrate = float64(cfg.Start)
	s.acked.width = ackedBucket
	return s
}

// SetLimits sets the application's floor and ceiling of the estimate in bit/s, 0 is none.
func (s *Sender) SetLimits(least, most int) { s.min, s.max = least, most }

// SetDesired tells how much is of use, in bit/s: the estimate does not grow beyond, and nothing is probed for once it is reached.
func (s *Sender) SetDesired(bitrate int) { s.desired = bitrate }

// Bitrate returns the estimate in bit/s within the limits.
func (s *Sender) Bitrate() int {
	bitrate := int(s.estimate())
	if s.remb > 0 && s.fed {
		bitrate = min(bitrate, s.remb)
	}
	bitrate = max(bitrate, minBitrate, s.min)
	if s.max > 0 {
		bitrate = min(bitrate, s.max)
	}
	return bitrate
}

// estimate is that of both controllers.
func (s *Sender) estimate() float64 {
	if s.loss.ceiling > 0 {
		return min(s.control.bitrate, s.loss.ceiling)
	}
	return s.control.bitrate
}

// Headroom is what the estimate may exceed the desired bitrate by, as bitrates swing, and padding is that part of it which probes may make up.
const (
	Headroom = 1.35
	Padding  = 0.85
)

// Most returns up to which bitrate the estimate may grow: with headroom over what is desired, within the application's ceiling.
func (s *Sender) Most() int {
	most := max(s.cfg.Start, int(Headroom*float64(s.desired)))
	if s.max > 0 {
		most = min(most, s.max)
	}
	return most
}

// Least is the floor of the estimate.
func (s *Sender) Least() int { return max(s.min, minBitrate) }

// Loss returns the fraction of packets lost lately, 0 to 1.
func (s *Sender) Loss() float64 { return s.average.value() }

// Heard tells whether the peer ever said what it receives.
func (s *Sender) Heard() bool { return !s.heardAt.IsZero() }

// Limited tells whether less is sent than may be.
func (s *Sender) Limited() bool { return s.limited }

// Refused returns how many reports were not believed.
func (s *Sender) Refused() uint64 { return s.refused }

// Sent notes a packet of size bytes with its transport-wide sequence number.
func (s *Sender) Sent(now time.Time, seq uint16, size int) {
	if s.epoch.IsZero() {
		s.epoch = now
	}
	if s.cluster != 0 {
		s.prober.cluster.sent(size)
	}
	s.flights.add(now.Sub(s.epoch), seq, size, s.cluster)
	s.bytes += size
	s.passed += size
	s.packets++
	s.credit = min(s.credit+creditPerPacket, creditMax)
}

// Probe returns how many bytes of padding are due, and when to ask again; the zero time is after the next report.
func (s *Sender) Probe(now time.Time) (padding int, next time.Time) {
	c := &s.prober.cluster
	at := now.Sub(s.epoch)
	if c.id != 0 && !c.sending && at-c.endedAt > probePatience {
		s.prober.cluster = cluster{}
		s.prober.failed(now)
	}
	if c.id == 0 {
		target := s.mayProbe(now)
		if target == 0 {
			return 0, time.Time{}
		}
		s.prober.begin(now, at, target)
		s.cluster = c.id
	}
	if !c.sending {
		return 0, time.Time{}
	}
	padding, ok := c.due(at)
	if !ok {
		c.sending, c.endedAt, s.cluster = false, at, 0
		return 0, time.Time{}
	}
	return padding, now.Add(probeStep)
}

// mayProbe returns at which bitrate, 0 if there is no need or the path is busy. Only a peer that reports is probed.
func (s *Sender) mayProbe(now time.Time) float64 {
	most, estimate := float64(s.Most()), s.estimate()
	busy := s.state == overUse || !s.overAt.IsZero() && now.Sub(s.overAt) < probeCalm || s.loss.fraction > lossHigh
	if !s.fed || s.desired == 0 || busy || estimate >= Padding*most {
		return 0
	}
	return s.prober.choose(now, estimate, float64(s.cfg.Start), most)
}

// Constants of detecting that the application is what limits the bitrate.
const (
	limitedBelow = 0.65 // of the estimate is sent
	limitedUntil = 0.80
)

// measure finds out how much is sent.
func (s *Sender) measure(now time.Time) {
	s.sent.add(now, s.bytes)
	s.bytes, s.packets = 0, 0
	bitrate, known := s.sent.bitrate(now)
	switch {
	case !known:
	case float64(bitrate) < limitedBelow*s.estimate():
		s.limited = true
	case float64(bitrate) > limitedUntil*s.estimate():
		s.limited = false
	}
}

// Constants of a peer that stopped reporting.
const (
	unheardTime    = 1500 * time.Millisecond
	unheardPackets = 20
	unheardFactor  = 0.8
)

// Poll is called once a second or so: without the reports that packets should have caused, less is sent, lest a dead path stay full.
func (s *Sender) Poll(now time.Time) {
	if !s.Heard() || s.packets < unheardPackets || now.Sub(s.heardAt) < unheardTime {
		return
	}
	s.packets = 0
	before := s.estimate()
	s.control.bitrate = max(before*unheardFactor, minBitrate)
	s.prober.fell(now, before, s.control.bitrate)
}
