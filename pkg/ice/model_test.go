package ice

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// model says in the plainest way what an agent must do: it remembers every transaction, keeps lists
// of names, and looks at the time after the fact.
type model struct {
	consent    time.Duration
	state      State
	fragments  []string // accepted, the current one last
	known      []*modelTuple
	selected   string
	nomination uint32
	seen       map[uint64]bool
	consentAt  time.Time // of the last renewal
	mediaAt    time.Time
}

type modelTuple struct {
	name    string
	fresh   bool
	heardAt time.Time
}

func (m *model) find(name string) *modelTuple {
	for _, x := range m.known {
		if x.name == name {
			return x
		}
	}
	return nil
}

func (m *model) forget(name string) {
	m.known = slices.DeleteFunc(m.known, func(x *modelTuple) bool { return x.name == name })
}

// byWorth sorts the known tuples, worst first, as they came where they are equal.
func (m *model) byWorth() []*modelTuple {
	sorted := slices.Clone(m.known)
	slices.SortStableFunc(sorted, func(a, b *modelTuple) int {
		if a.fresh != b.fresh {
			if a.fresh {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.heardAt.Sub(epoch), b.heardAt.Sub(epoch))
	})
	return sorted
}

func (m *model) choose(now time.Time, name string) {
	if m.selected != name {
		m.selected, m.mediaAt = name, now
	}
}

func (m *model) lost() {
	m.state, m.selected, m.nomination = Disconnected, "", 0
}

// expire withdraws consent if it ran out before now.
func (m *model) expire(now time.Time) {
	if m.consent != 0 && m.selected != "" && !now.Before(m.consentAt.Add(m.consent)) {
		m.known = nil
		m.lost()
	}
}

// check returns the answer to a request that has valid integrity.
func (m *model) check(now time.Time, c check, value *uint32, from string) string {
	if i := slices.Index(m.fragments, c.fragment); i < 0 {
		return "silence"
	} else if i == 1 { // the new one, while an old one was still good
		m.fragments, m.nomination, m.seen = m.fragments[1:], 0, map[uint64]bool{}
	}
	if c.controlled {
		return "error 487 Role Conflict"
	}
	fresh := !m.seen[c.id]
	m.seen[c.id] = true
	x := m.find(from)
	if x == nil {
		if len(m.known) == MaxTuples {
			worst := m.byWorth()
			m.forget(worst[slices.IndexFunc(worst, func(x *modelTuple) bool { return x.name != m.selected })].name)
		}
		x = &modelTuple{name: from}
		m.known = append(m.known, x)
	}
	x.heardAt, x.fresh = now, x.fresh || fresh
	if !fresh && from != m.selected {
		return "success"
	}
	nominated := c.useCandidate
	if value != nil {
		nominated = *value >= m.nomination
		m.nomination = max(m.nomination, *value)
	}
	if nominated {
		m.choose(now, from)
		m.state = Completed
	} else if m.selected == "" {
		m.choose(now, from)
		m.state = Connected
	}
	m.consentAt = now
	return "success"
}

func (m *model) media(now time.Time, from string) {
	switch x := m.find(from); {
	case from == m.selected:
		m.mediaAt, m.consentAt = now, now
	case x == nil || m.selected != "" && now.Sub(m.mediaAt) < quiet:
	case m.selected == "":
		x.fresh = true
		m.choose(now, from)
		m.state, m.consentAt = Connected, now
	default:
		x.fresh = true
		m.choose(now, from)
	}
}

func (m *model) remove(now time.Time, name string) {
	if m.find(name) == nil {
		return
	}
	m.forget(name)
	if name != m.selected {
		return
	}
	best := m.byWorth()
	if len(best) == 0 || !best[len(best)-1].fresh {
		m.lost()
		return
	}
	m.choose(now, best[len(best)-1].name)
	m.consentAt = now
}

func (m *model) restart(now time.Time, fragment string) {
	m.fragments = []string{m.fragments[0], fragment}
	m.consentAt = now
}

// machine runs agent and model side by side.
type machine struct {
	world    *world
	model    model
	sent     []sent // every request so far, for replays
	restarts int
}

type sent struct {
	check    check
	value    *uint32
	datagram []byte
}

var (
	names   = rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "v6-h", "v6-i", "tcp-j", "tcp-k", "tcp-l"})
	pauses  = rapid.SampledFrom([]time.Duration{0, time.Millisecond, 99 * time.Millisecond, quiet, time.Second, 9 * time.Second})
	nominee = rapid.Uint32Range(0, 4)
)

func (s *machine) Check(t *rapid.T) {
	c := check{
		id:           uint64(len(s.sent)) + 1<<32,
		useCandidate: rapid.Bool().Draw(t, "use-candidate"),
		controlled:   rapid.IntRange(0, 9).Draw(t, "controlled") == 0,
		fragment:     rapid.SampledFrom(s.model.fragments).Draw(t, "fragment"),
	}
	c.password = passwordOf(c.fragment)
	var value *uint32
	if rapid.Bool().Draw(t, "renominates") {
		value = new(nominee.Draw(t, "nomination"))
		c.nomination = nomination(0x0030, *value)
	}
	r := sent{c, value, s.world.build(c)}
	s.sent = append(s.sent, r)
	s.deliver(t, r)
}

// Replay sends a request again, from wherever.
func (s *machine) Replay(t *rapid.T) {
	if len(s.sent) == 0 {
		t.Skip("nothing to replay")
	}
	s.deliver(t, rapid.SampledFrom(s.sent).Draw(t, "request"))
}

func (s *machine) deliver(t *rapid.T, r sent) { s.deliverFrom(t, r, names.Draw(t, "from")) }

func (s *machine) deliverFrom(t fataler, r sent, from string) {
	got := s.world.verdict(r.check, path(from), r.datagram, s.world.send(r.datagram, path(from)))
	if want := s.model.check(s.world.now, r.check, r.value, from); got != want {
		t.Fatalf("answer %q, want %q", got, want)
	}
}

// Forge sends a request of somebody who does not know the password.
func (s *machine) Forge(t *rapid.T) {
	c := check{fragment: s.model.fragments[0], password: "guess", useCandidate: true}
	if got := s.world.check(c, path(names.Draw(t, "from"))); got != "silence" {
		t.Fatalf("answer %q to a forged check", got)
	}
}

func (s *machine) Media(t *rapid.T) {
	from := names.Draw(t, "from")
	s.world.agent.Authenticated(s.world.now, path(from))
	s.model.media(s.world.now, from)
}

func (s *machine) Wait(t *rapid.T) {
	s.world.wait(pauses.Draw(t, "pause"))
	s.model.expire(s.world.now)
}

func (s *machine) Remove(t *rapid.T) {
	name := names.Draw(t, "tuple")
	s.world.agent.RemoveTuple(s.world.now, path(name))
	s.model.remove(s.world.now, name)
}

func (s *machine) Restart(*rapid.T) {
	s.restarts++
	fragment := fmt.Sprint("fragment", s.restarts)
	s.world.restart(fragment, passwordOf(fragment))
	s.model.restart(s.world.now, fragment)
}

func (s *machine) same(t fataler) {
	s.world.agree()
	if s.world.state != s.model.state {
		t.Fatalf("state %v, want %v", s.world.state, s.model.state)
	}
	if selected, ok := s.world.agent.Selected(); ok != (s.model.selected != "") || ok && nameOf(selected) != s.model.selected {
		t.Fatalf("selected %v, want %q", selected, s.model.selected)
	}
	for _, x := range s.model.known {
		if !s.world.tuples[path(x.name)] {
			t.Fatalf("%s is not known", x.name)
		}
	}
	if len(s.world.tuples) != len(s.model.known) || len(s.world.fragments) != len(s.model.fragments) {
		t.Fatalf("%v and %v, want %v and %v", s.world.tuples, s.world.fragments, s.model.known, s.model.fragments)
	}
}

func passwordOf(fragment string) string {
	if fragment == testFragment {
		return testPassword
	}
	return "password-of-" + fragment
}

func TestAgentBehavesAsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		consent := rapid.SampledFrom([]time.Duration{0, 10 * time.Second}).Draw(t, "consent")
		s := &machine{
			world: newWorld(t, consent),
			model: model{consent: consent, fragments: []string{testFragment}, seen: map[uint64]bool{}},
		}
		t.Repeat(map[string]func(*rapid.T){
			"check": s.Check, "check again": s.Check, "replay": s.Replay, "forge": s.Forge, "media": s.Media,
			"wait": s.Wait, "remove": s.Remove, "restart": s.Restart, "": func(t *rapid.T) { s.same(t) },
		})
		s.world.agent.Close()
		if len(s.world.tuples) != 0 || len(s.world.fragments) != 0 || s.world.timers.Len() != 0 {
			t.Fatalf("left behind: %v, %v, %d timers", s.world.tuples, s.world.fragments, s.world.timers.Len())
		}
	})
}
