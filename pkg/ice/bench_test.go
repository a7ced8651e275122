package ice

import (
	"encoding/binary"
	"runtime"
	"testing"
	"time"

	"gazpacho/pkg/stun"
	"gazpacho/pkg/timer"
	"gazpacho/pkg/tuple"
)

// silent is an owner that keeps nothing.
type silent struct{}

func (silent) ICEState(time.Time, State)          {}
func (silent) ICESelected(time.Time, tuple.Tuple) {}
func (silent) ICETupleAdded(tuple.Tuple)          {}
func (silent) ICETupleRemoved(tuple.Tuple)        {}
func (silent) ICEUsernameForgotten(string)        {}

func newSilent(timers *timer.Queue) *Agent {
	return NewAgent(Config{
		UsernameFragment: testFragment, Password: testPassword, ConsentTimeout: 30 * time.Second, Timers: timers, Totals: &allDrops,
	}, silent{})
}

// allDrops is what the agents share, as those of a worker do.
var allDrops Drops

// browserCheck is a check as a browser sends it, built by package stun: pion's is slow.
func browserCheck(b []byte, serial uint64, k *stun.Integrity) []byte {
	var id stun.TransactionID
	binary.BigEndian.PutUint64(id[:], serial)
	w := stun.Build(b, stun.Request, stun.Binding, id)
	w.AddString(stun.AttrUsername, testFragment+":a1B2")
	w.Add(0xc057, []byte{0, 0, 0, 10}) // GOOG-NETWORK-INFO
	w.AddUint64(stun.AttrICEControlling, 0x0123456789abcdef)
	w.Add(stun.AttrUseCandidate, nil)
	w.AddUint32(stun.AttrPriority, 0x6e001eff)
	w.AddIntegrity(k)
	w.AddFingerprint()
	return b[:w.Finish()]
}

// checks builds n different ones.
func checks(n int) [][]byte {
	k := stun.NewIntegrity([]byte(testPassword))
	list := make([][]byte, n)
	for i := range list {
		list[i] = browserCheck(make([]byte, 200), uint64(i), k)
	}
	return list
}

// The packet path allocates nothing, whatever becomes of the packet.
func TestNoAllocations(t *testing.T) {
	fresh := checks(200)
	forged := browserCheck(make([]byte, 200), 1, stun.NewIntegrity([]byte("guess")))
	a, b := path("a"), path("b")
	for _, test := range []struct {
		name string
		want bool // an answer
		next func(i int) ([]byte, tuple.Tuple)
	}{
		{"fresh", true, func(i int) ([]byte, tuple.Tuple) { return fresh[i], a }},
		{"fresh, moving to and fro", true, func(i int) ([]byte, tuple.Tuple) {
			if i%2 == 0 {
				return fresh[i], a
			}
			return fresh[i], b
		}},
		{"replayed", true, func(int) ([]byte, tuple.Tuple) { return fresh[0], b }},
		{"forged", false, func(int) ([]byte, tuple.Tuple) { return forged, path("c") }},
		{"garbage", false, func(int) ([]byte, tuple.Tuple) { return fresh[0][:40], a }},
	} {
		t.Run(test.name, func(t *testing.T) {
			var timers timer.Queue
			agent := newSilent(&timers)
			reply := make([]byte, 200)
			for _, x := range []tuple.Tuple{a, b} { // tuples known, HMAC warm
				agent.Handle(epoch, browserCheck(make([]byte, 200), uint64(1e6+len(x.String())), stun.NewIntegrity([]byte(testPassword))), x, reply)
			}
			i, answered := 0, true
			if n := testing.AllocsPerRun(100, func() {
				datagram, from := test.next(i)
				answered = answered && agent.Handle(epoch, datagram, from, reply) > 0 == test.want
				agent.Authenticated(epoch, a)
				agent.Authenticated(epoch, b)
				i++
			}); n != 0 {
				t.Errorf("%v allocations per datagram", n)
			}
			expect(t, "answered as it should be", answered, true)
		})
	}
}

// What an agent costs that is in use by one peer: everything it holds, its timer and HMAC included.
func TestMemory(t *testing.T) {
	const agents, limit = 2000, 2048
	var timers timer.Queue
	check := checks(1)[0]
	reply := make([]byte, 200)
	list := make([]*Agent, agents)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range list {
		list[i] = newSilent(&timers)
		list[i].Handle(epoch, check, path("a"), reply)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := int(after.HeapAlloc-before.HeapAlloc) / agents
	t.Logf("%d bytes per agent", each)
	if each > limit {
		t.Errorf("%d bytes per agent, more than %d", each, limit)
	}
	runtime.KeepAlive(list)
}

// A valid check, answered.
func BenchmarkHandle(b *testing.B) {
	var timers timer.Queue
	agent := newSilent(&timers)
	list := checks(8192)
	reply := make([]byte, 200)
	a := path("a")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if agent.Handle(epoch, list[i%len(list)], a, reply) == 0 {
			b.Fatal("no answer")
		}
	}
}

// What a forged check costs the victim, up to the budget and beyond it.
func BenchmarkForged(b *testing.B) {
	forged := browserCheck(make([]byte, 200), 1, stun.NewIntegrity([]byte("guess")))
	for name, step := range map[string]time.Duration{"within budget": time.Second, "beyond budget": 0} {
		b.Run(name, func(b *testing.B) {
			var timers timer.Queue
			agent := newSilent(&timers)
			now, reply, from := epoch, make([]byte, 200), path("a")
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(step)
				if agent.Handle(now, forged, from, reply) != 0 {
					b.Fatal("answered")
				}
			}
		})
	}
}

// What each media packet pays.
func BenchmarkAuthenticated(b *testing.B) {
	var timers timer.Queue
	agent := newSilent(&timers)
	a := path("a")
	agent.Handle(epoch, checks(1)[0], a, make([]byte, 200))
	for b.Loop() {
		agent.Authenticated(epoch, a)
	}
}

func BenchmarkNewAgent(b *testing.B) {
	var timers timer.Queue
	b.ReportAllocs()
	for b.Loop() {
		newSilent(&timers)
	}
}
