package supervisor

import (
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"gazpacho/proto"
)

// SECURITY.md, Processes: restart back-off 0, 0.1, 0.2 … 5 s with jitter; 5 in 60 s quarantines the slot.
func TestRestarts(t *testing.T) {
	epoch := time.Unix(1000, 0)
	for name, tt := range map[string]struct {
		gaps []time.Duration // before each death
		want []time.Duration // delays without jitter; quarantine means that
	}{
		"one":             {[]time.Duration{0}, []time.Duration{0}},
		"rarely":          {[]time.Duration{0, time.Minute, time.Minute, time.Hour}, []time.Duration{0, 0, 0, 0}},
		"often":           {[]time.Duration{0, 1, 1, 1, 1}, []time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, quarantine}},
		"afterQuarantine": {[]time.Duration{0, 1, 1, 1, 1, quarantine}, []time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, quarantine, 0}},
		"within the minute": {
			[]time.Duration{0, 20 * time.Second, 20 * time.Second, 19 * time.Second, 20 * time.Second},
			[]time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 400 * time.Millisecond},
		},
	} {
		var r restarts
		now := epoch
		for i, gap := range tt.gaps {
			now = now.Add(gap)
			delay, quarantined := r.died(now)
			if quarantined != (tt.want[i] == quarantine) || delay < tt.want[i] || delay > tt.want[i]+tt.want[i]/5 {
				t.Errorf("%s: after death %d wait %v, quarantine %t; want %v", name, i, delay, quarantined, tt.want[i])
			}
		}
	}
	for n, want := range map[int]time.Duration{0: 0, 1: 0, 2: firstDelay, 7: 3200 * time.Millisecond, 8: maxDelay, 1000: maxDelay} {
		if got := backoff(n); got != want {
			t.Errorf("backoff(%d) = %v, want %v", n, got, want)
		}
	}
}

func TestPulse(t *testing.T) {
	epoch := time.Unix(1000, 0)
	for name, tt := range map[string]struct {
		beats, answers []time.Duration // since the start
		deadAt         time.Duration   // 0: never
		used           func(at time.Duration) cpuTime
	}{
		"answers":     {beats: every(10 * time.Second), answers: every(10 * time.Second)},
		"late answer": {beats: every(3 * time.Second), answers: []time.Duration{1400 * time.Millisecond, 2800 * time.Millisecond}},
		"silent":      {beats: every(3 * time.Second), deadAt: 1750 * time.Millisecond},
		"falls silent": {
			beats: every(5 * time.Second), answers: []time.Duration{250 * time.Millisecond, time.Second}, deadAt: 2750 * time.Millisecond,
		},
		// We were stopped from 1 s to 60 s, and the answer was read only after the beat.
		"we were stopped": {
			beats: append(every(time.Second), 60*time.Second, 60250*time.Millisecond, 60500*time.Millisecond),
		},
		// And it does not excuse for ever.
		"stopped, then silent": {
			beats:  append(every(time.Second), shifted(60*time.Second, every(3*time.Second))...),
			deadAt: 61750*time.Millisecond + beatEvery,
		},
		// Runnable, but the processor is somebody else's; not for ever.
		"starves": {
			beats: every(12 * time.Second), used: func(at time.Duration) cpuTime { return cpuTime{ran: at / 10, waited: at * 8 / 10} },
			deadAt: maxSilence + beatEvery,
		},
		"starves, then answers": {
			beats: every(12 * time.Second), answers: []time.Duration{4 * time.Second, 8 * time.Second, 12 * time.Second},
			used: func(at time.Duration) cpuTime { return cpuTime{ran: at / 10, waited: at * 8 / 10} },
		},
		"spins": {
			beats: every(3 * time.Second), used: func(at time.Duration) cpuTime { return cpuTime{ran: at * 9 / 10, waited: at / 10} },
			deadAt: 1750 * time.Millisecond,
		},
		// What it waited before it fell silent does not count.
		"starved once, then stopped": {
			beats: every(5 * time.Second), answers: []time.Duration{time.Second}, deadAt: 2750 * time.Millisecond,
			used: func(at time.Duration) cpuTime { return cpuTime{waited: min(at, time.Second)} },
		},
	} {
		p := newPulse(epoch)
		if tt.used == nil {
			tt.used = func(time.Duration) cpuTime { return cpuTime{} }
		}
		var dead time.Duration
		for _, at := range tt.beats {
			heard := false
			for len(tt.answers) > 0 && tt.answers[0] <= at {
				heard, tt.answers = true, tt.answers[1:]
			}
			if p.beat(epoch.Add(at), heard, tt.used(at)) && dead == 0 {
				dead = at
			}
		}
		if dead != tt.deadAt {
			t.Errorf("%s: dead at %v, want %v", name, dead, tt.deadAt)
		}
	}
}

// The kernel's figures, of this very process.
func TestCPUTime(t *testing.T) {
	before := cpuTimeOf(os.Getpid())
	for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); {
		_ = cpuTimeOf(os.Getpid())
	}
	after := cpuTimeOf(os.Getpid())
	if after.ran <= before.ran || after.waited < before.waited {
		t.Errorf("%+v, then %+v", before, after)
	}
	if none := cpuTimeOf(1 << 30); none != (cpuTime{}) {
		t.Errorf("of nobody: %+v", none)
	}
}

// every is a beat each beatEvery until end.
func every(end time.Duration) (list []time.Duration) {
	for at := beatEvery; at <= end; at += beatEvery {
		list = append(list, at)
	}
	return list
}

func shifted(by time.Duration, list []time.Duration) []time.Duration {
	for i := range list {
		list[i] += by
	}
	return list
}

func TestListenInfos(t *testing.T) {
	addr := func(texts ...string) (list []netip.Addr) {
		for _, s := range texts {
			list = append(list, netip.MustParseAddr(s))
		}
		return list
	}
	for name, tt := range map[string]struct {
		rtc  RTC
		slot int
		want []proto.ListenInfo // UDP; TCP is the same
	}{
		"one":      {RTC{Listen: addr("127.0.0.1"), Port: 40000}, 3, []proto.ListenInfo{{IP: "127.0.0.1", Port: 40003}}},
		"any port": {RTC{Listen: addr("127.0.0.1")}, 3, []proto.ListenInfo{{IP: "127.0.0.1"}}},
		"loopback last": {
			RTC{Listen: addr("127.0.0.1", "10.0.0.1", "10.0.0.1")}, 0, []proto.ListenInfo{{IP: "10.0.0.1"}, {IP: "127.0.0.1"}},
		},
		"both families": {
			RTC{Listen: addr("10.0.0.1", "2001:db8::1"), Announced: []string{"198.51.100.1"}},
			0,
			[]proto.ListenInfo{
				{IP: "10.0.0.1", AnnouncedAddress: "198.51.100.1"}, {IP: "2001:db8::1", Flags: &proto.SocketFlags{IPv6Only: true}},
			},
		},
		"announced wildcard": {
			RTC{Listen: addr("0.0.0.0"), Announced: []string{"2001:db8::9", "sfu.example.org"}},
			0,
			[]proto.ListenInfo{{IP: "0.0.0.0", AnnouncedAddress: "sfu.example.org"}},
		},
	} {
		got, err := tt.rtc.listenInfos(tt.slot)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var want []proto.ListenInfo
		for _, protocol := range []string{"udp", "tcp"} {
			for _, info := range tt.want {
				info.Protocol = protocol
				want = append(want, info)
			}
		}
		equal := slices.EqualFunc(got, want, func(a, b proto.ListenInfo) bool {
			fa, fb := a.Flags != nil, b.Flags != nil
			a.Flags, b.Flags = nil, nil
			return a == b && fa == fb
		})
		if !equal {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
		if p := plain(got); p.Protocol != "udp" || p.IP != want[0].IP || p.Port != 0 {
			t.Errorf("%s: plain transports listen on %+v", name, p)
		}
	}
}

// Peers cannot send to 0.0.0.0: it stands for all of the machine's addresses, loopback last.
func TestWildcard(t *testing.T) {
	infos, err := (RTC{Listen: []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}}).listenInfos(0)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	loopback := false
	for _, info := range infos[:len(infos)/2] {
		a := netip.MustParseAddr(info.IP)
		if a.IsUnspecified() || a.IsLinkLocalUnicast() || seen[info.IP] || (loopback && !a.IsLoopback()) {
			t.Errorf("listens on %s after %v", a, seen)
		}
		seen[info.IP] = true
		loopback = loopback || a.IsLoopback()
	}
	if !seen["127.0.0.1"] {
		t.Errorf("listens on %v", seen)
	}
}
