package attack

import (
	"testing"
	"time"

	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// Who consents once and then says nothing is not sent to for ever: else anybody could have media sent to an address that was theirs.
var silence = []attack{
	{"a subscriber that falls silent", "R-ICE-5", fellSilent},
}

// consent is the shortest time there is, in seconds.
const consent = 10

// fallSilent has a client subscribe that will say nothing more.
func (s *stage) fallSilent() {
	s.silent = simtest.NewRaw(s.Worker, s.router, s.server, simtest.RawOptions{Consent: consent})
	s.silent.Nominate()
	s.silent.Handshake()
	s.silent.Consume(s.video.Source(), 900_000)
}

// fellSilent waits for the end of its consent.
func fellSilent(t *testing.T, s *stage, _ time.Duration) tally {
	simtest.Wait(s.Worker, proto.EventICEStateChange, s.silent.Transport.ID, func(c proto.ICEStateChange) bool { return c.ICEState == proto.ICEDisconnected })
	time.Sleep(50 * time.Millisecond) // for what was on its way
	before := s.silent.Media.Load()
	if before == 0 {
		t.Error("it was never sent anything: the attack did not reach its aim")
	}
	time.Sleep(200 * time.Millisecond)
	if n := s.silent.Media.Load() - before; n > 0 {
		t.Errorf("%d packets were sent without consent", n)
	}
	return tally{}
}
