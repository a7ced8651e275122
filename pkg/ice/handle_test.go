package ice

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	pion "github.com/pion/stun/v3"

	"gazpacho/pkg/tuple"
)

// Whatever is no request with a username of ours and valid integrity gets no byte and changes nothing
// but one counter (R-ICE-1).
func TestSilence(t *testing.T) {
	w := newWorld(t, 30*time.Second)
	good := w.build(check{useCandidate: true})
	broken := func(at int, flip byte) []byte {
		b := bytes.Clone(good)
		b[at] ^= flip
		return b
	}
	// resealed has its FINGERPRINT made right again: anybody can do that.
	resealed := func(at int, flip byte) []byte {
		m := &pion.Message{Raw: broken(at, flip)[:len(good)-8]}
		m.Raw[3] -= 8
		if err := m.Decode(); err != nil {
			t.Fatal(err)
		}
		if err := pion.Fingerprint.AddTo(m); err != nil {
			t.Fatal(err)
		}
		return m.Raw
	}
	for _, test := range []struct {
		name string
		b    []byte
		want Drops
	}{
		{"empty", nil, Drops{DropMalformed: 1}},
		{"RTP", append([]byte{0x80, 0x60}, make([]byte, 30)...), Drops{DropMalformed: 1}},
		{"cut", good[:len(good)-4], Drops{DropMalformed: 1}},
		{"trailing bytes", append(bytes.Clone(good), 0, 0, 0, 0), Drops{DropMalformed: 1}},
		{"without cookie", broken(4, 1), Drops{DropMalformed: 1}},
		{"wrong fingerprint", broken(len(good)-1, 1), Drops{DropFingerprint: 1}},
		{"a bit changed on the way", broken(25, 1), Drops{DropFingerprint: 1}},
		{"no fingerprint", w.build(check{noFingerprint: true}), Drops{DropFingerprint: 1}},
		{"indication", w.build(check{class: pion.ClassIndication}), Drops{DropNotRequest: 1}},
		{"success response", w.build(check{class: pion.ClassSuccessResponse}), Drops{DropNotRequest: 1}},
		{"error response", w.build(check{class: pion.ClassErrorResponse}), Drops{DropNotRequest: 1}},
		{"Allocate", resealed(1, 2), Drops{DropNotRequest: 1}},
		{"unknown username", w.build(check{fragment: "stranger", password: testPassword}), Drops{DropUsername: 1}},
		{"our username cut", w.build(check{fragment: testFragment[:5], password: testPassword}), Drops{DropUsername: 1}},
		{"no integrity", w.build(check{noIntegrity: true}), Drops{DropIntegrity: 1}},
		{"wrong password", w.build(check{fragment: testFragment, password: "x"}), Drops{DropIntegrity: 1}},
		{"forged transaction", resealed(15, 1), Drops{DropIntegrity: 1}},
		{"forged integrity", resealed(len(good)-12, 1), Drops{DropIntegrity: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, 30*time.Second)
			answer := w.send(test.b, path("a"))
			expect(t, "bytes", len(answer), 0)
			expect(t, "drops", w.agent.Drops(), test.want)
			expect(t, "events", len(w.trace), 0)
			expect(t, "state", w.agent.State(), New)
			expect(t, "known", w.agent.KnowsTuple(path("a")), false)
			expect(t, "timers", w.timers.Len(), 0)
		})
	}
	if w.send(good, path("a")); w.agent.State() != Completed {
		t.Fatal("the good check all of this was made from is not good")
	}
}

// A request without a username is as good as one with a stranger's: ufrag is mandatory for ICE
// (RFC 8445 section 7.1).
func TestSilenceWithoutUsername(t *testing.T) {
	for _, username := range []string{"", testFragment} { // none, and one without a colon
		w := newWorld(t, 0)
		setters := []pion.Setter{pion.TransactionID, pion.BindingRequest}
		if username != "" {
			setters = append(setters, pion.NewUsername(username))
		}
		m, err := pion.Build(append(setters, pion.NewShortTermIntegrity(testPassword), pion.Fingerprint)...)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "bytes", len(w.send(m.Raw, path("a"))), 0)
		expect(t, "drops", w.agent.Drops(), Drops{DropUsername: 1})
	}
}

// An answer must fit its slot whole, or is not sent.
func TestAnswerIntoEverySize(t *testing.T) {
	w := newWorld(t, 0)
	whole := len(w.send(w.build(check{}), path("v6-a")))
	expect(t, "size of an answer", whole, 20+24+24+8)
	for size := range whole + 1 {
		reply := bytes.Repeat([]byte{0xee}, whole+1)
		n := w.agent.Handle(w.now, w.build(check{}), path("v6-a"), reply[:size:size])
		expect(t, "size", n, map[bool]int{true: whole}[size == whole])
		expect(t, "byte behind", reply[size], 0xee)
	}
}

// The answer is never larger than what it answers: we are no amplifier, not even for who replays.
func TestAnswerIsNotLarger(t *testing.T) {
	for name, c := range map[string]check{
		"success": {}, "role conflict": {controlled: true}, "bad request": {noPriority: true},
		"unknown": {unknown: []uint16{1 << 14, 1<<14 + 1, 1<<14 + 2, 1<<14 + 3}},
	} {
		w := newWorld(t, 0)
		request := w.build(c)
		if n := len(w.send(request, path("v6-a"))); n == 0 || n > len(request) {
			t.Errorf("%s: %d bytes to %d", name, n, len(request))
		}
	}
}

// slotUser is an owner that sends from within the events, into the very slot the answer goes to.
type slotUser struct {
	world
	slot []byte
}

func (s *slotUser) ICEState(time.Time, State) {
	for i := range s.slot {
		s.slot[i] = 0xaa
	}
}

func (s *slotUser) ICESelected(time.Time, tuple.Tuple) {}

func TestAnswerIsWrittenAfterTheEvents(t *testing.T) {
	s := &slotUser{world: *newWorld(t, 0), slot: make([]byte, 200)}
	s.agent = NewAgent(Config{UsernameFragment: testFragment, Password: testPassword, Timers: &s.timers}, s)
	request := s.build(check{useCandidate: true})
	n := s.agent.Handle(s.now, request, path("a"), s.slot)
	expect(t, "answer", s.verdict(check{}, path("a"), request, s.slot[:n]), "success")
}

// What a NAT or a second address of ours makes of one remote address are other tuples. Failures that
// one of them is charged with do not lock out another that proved itself.
func TestTrustedTupleSharesItsSourceWithAForger(t *testing.T) {
	w := newWorld(t, 0)
	here := path("a")
	there := here
	there.Local = netip.MustParseAddrPort("10.0.0.99:4443")
	expect(t, "first check", w.check(check{}, here), "success")
	for range failureBudget {
		w.check(check{fragment: testFragment, password: "x"}, there)
	}
	expect(t, "the forger", w.check(check{}, there), "silence")
	expect(t, "who proved itself", w.check(check{}, here), "success")
	expect(t, "drops", w.agent.Drops(), Drops{DropIntegrity: failureBudget, DropBudget: 1})
}

// What agents drop is counted by each and for all, under names of their own; what is answered all the same is told apart.
func TestDropsOfAllAgents(t *testing.T) {
	w := newWorld(t, 0)
	var all Drops
	one := NewAgent(Config{UsernameFragment: testFragment, Password: testPassword, Timers: &w.timers, Totals: &all}, silent{})
	two := NewAgent(Config{UsernameFragment: testFragment, Password: testPassword, Timers: &w.timers, Totals: &all}, silent{})
	reply := make([]byte, 200)
	for _, agent := range []*Agent{one, two, two} {
		agent.Handle(w.now, w.build(check{fragment: testFragment, password: "x"}), path("a"), reply)
	}
	one.Handle(w.now, w.build(check{controlled: true}), path("a"), reply)
	two.Close()
	two.Handle(w.now, w.build(check{}), path("a"), reply)
	expect(t, "of the first", one.Drops(), Drops{DropIntegrity: 1, DropRoleConflict: 1})
	expect(t, "of the second", two.Drops(), Drops{DropIntegrity: 2, DropClosed: 1})
	expect(t, "of both", all, Drops{DropIntegrity: 3, DropRoleConflict: 1, DropClosed: 1})
	names := map[string]bool{}
	for d := range NumDrops {
		names[d.String()] = true
	}
	expect(t, "names", len(names), int(NumDrops))
	expect(t, "integrity is answered", DropIntegrity.Answered(), false)
	expect(t, "a replay is answered", DropReplayed.Answered(), true)
}

// A tuple whose only check was seen before is not trusted: it was, maybe, overheard.
func TestReplayBuysNoTrust(t *testing.T) {
	w := newWorld(t, 0)
	w.check(check{id: 7}, path("a"))
	expect(t, "replay", w.check(check{id: 7}, path("x")), "success")
	for range failureBudget {
		w.check(check{fragment: testFragment, password: "x"}, path("x"))
	}
	expect(t, "after its budget", w.check(check{}, path("x")), "silence")
}

// As under attack: 100,000 datagrams of garbage, forged and replayed checks from many sources while a
// call runs. Its peer is answered each time, nothing moves, and the agent does not grow.
func TestCallUnderAttack(t *testing.T) {
	w := newWorld(t, 5*time.Second)
	overheard := w.build(check{useCandidate: true})
	w.send(overheard, path("a"))
	forged := w.build(check{fragment: testFragment, password: "x", useCandidate: true})
	garbage := append([]byte{0, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 24)...)
	before := len(w.trace)
	for i := range 100_000 {
		from := path("a")
		if i%3 != 0 {
			from.Remote = netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), uint16(i))
		}
		switch i % 4 {
		case 0:
			w.send(garbage, from)
		case 1, 2:
			w.send(forged, from)
		default:
			if from != path("a") { // else a retransmission
				w.send(overheard, from)
			}
		}
		if i%1000 == 0 {
			w.wait(time.Second)
			expect(t, "the call's check", w.check(check{useCandidate: true}, path("a")), "success")
		}
	}
	selected, _ := w.agent.Selected()
	expect(t, "selected", selected, path("a"))
	expect(t, "state", w.agent.State(), Completed)
	for _, event := range w.trace[before:] {
		if !strings.HasPrefix(event, "added") && !strings.HasPrefix(event, "removed") {
			t.Fatalf("event %q", event)
		}
	}
	w.agree()
}

// R-ICE-4 in figures: a peer behind a NAT gets another address while it sends audio every 20 ms and
// checks every 250 ms. However it nominates, its media is back 300 ms after the change.
func TestRebindingIsQuick(t *testing.T) {
	for name, c := range map[string]check{
		"nominates with each check":   {useCandidate: true},
		"renominates with each check": {nomination: nomination(0x0030, 3)},
		"nominated once":              {},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 30*time.Second)
			w.check(check{useCandidate: true, nomination: nomination(0x0030, 3)}, path("a"))
			from := path("a")
			changed := epoch.Add(2 * time.Second)
			for at := epoch; at.Before(epoch.Add(4 * time.Second)); at = at.Add(20 * time.Millisecond) {
				w.wait(at.Sub(w.now))
				if !at.Before(changed) {
					from = path("b")
				}
				if w.agent.KnowsTuple(from) {
					w.agent.Authenticated(w.now, from)
				}
				if ms := at.Sub(epoch).Milliseconds(); ms%250 < 20 {
					w.check(c, from)
				}
				if selected, _ := w.agent.Selected(); selected == path("b") {
					if took := at.Sub(changed); took > 300*time.Millisecond {
						t.Fatalf("media is back after %v", took)
					}
					return
				}
			}
			t.Fatal("media never came back")
		})
	}
}

// The credentials are those the peer is to use.
func TestCredentials(t *testing.T) {
	w := newWorld(t, 0)
	expect(t, "fragment", w.agent.UsernameFragment(), testFragment)
	expect(t, "password", w.agent.Password(), testPassword)
	w.restart("next", "nextnextnextnextnextnext")
	expect(t, "fragment", w.agent.UsernameFragment(), "next")
	expect(t, "password", w.agent.Password(), "nextnextnextnextnextnext")
}
