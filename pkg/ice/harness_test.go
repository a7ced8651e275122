package ice

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	pion "github.com/pion/stun/v3"

	"gazpacho/pkg/timer"
	"gazpacho/pkg/tuple"
)

const (
	testFragment = "localfragment"
	testPassword = "localpasswordlocalpassword"
)

var epoch = time.Unix(1_000_000, 0)

// fataler is what testing.T and rapid.T have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// world is one agent with its owner, its clock and its peers. As the owner it keeps the maps a
// worker keeps, and insists that each event fits them.
type world struct {
	t      fataler
	now    time.Time
	timers timer.Queue
	agent  *Agent
	trace  []string

	state     State
	selected  tuple.Tuple
	tuples    map[tuple.Tuple]bool
	fragments map[string]bool

	lastID uint64
	reply  [200]byte
}

func newWorld(t fataler, consent time.Duration) *world {
	w := &world{
		t: t, now: epoch,
		tuples:    map[tuple.Tuple]bool{},
		fragments: map[string]bool{testFragment: true},
	}
	w.agent = NewAgent(Config{
		UsernameFragment: testFragment, Password: testPassword, ConsentTimeout: consent, Timers: &w.timers,
	}, w)
	return w
}

func (w *world) tracef(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf(format, args...))
}

func (w *world) ICEState(now time.Time, s State) {
	w.t.Helper()
	if !now.Equal(w.now) || s == w.state || w.agent.State() != s {
		w.t.Fatalf("state %v reported at %v when it was %v at %v", s, now, w.state, w.now)
	}
	w.state = s
	w.tracef("state %v", s)
}

func (w *world) ICESelected(now time.Time, x tuple.Tuple) {
	w.t.Helper()
	if !now.Equal(w.now) || !w.tuples[x] || x == w.selected {
		w.t.Fatalf("selected %v, known %v, before %v", x, w.tuples[x], w.selected)
	}
	w.selected = x
	w.tracef("selected %s", nameOf(x))
}

func (w *world) ICETupleAdded(x tuple.Tuple) {
	w.t.Helper()
	if w.tuples[x] {
		w.t.Fatalf("added %v twice", x)
	}
	w.tuples[x] = true
	w.tracef("added %s", nameOf(x))
}

func (w *world) ICETupleRemoved(x tuple.Tuple) {
	w.t.Helper()
	if !w.tuples[x] {
		w.t.Fatalf("removed %v, which was not there", x)
	}
	delete(w.tuples, x)
	if x == w.selected {
		w.selected = tuple.Tuple{}
	}
	w.tracef("removed %s", nameOf(x))
	w.agent.RemoveTuple(w.now, x) // as the owner does who closes the connection now
}

func (w *world) ICEUsernameForgotten(fragment string) {
	w.t.Helper()
	if !w.fragments[fragment] {
		w.t.Fatalf("forgot %q, which was not there", fragment)
	}
	delete(w.fragments, fragment)
	w.tracef("forgot %s", fragment)
}

func (w *world) restart(fragment, password string) {
	w.fragments[fragment] = true // the owner's map first, as checks may come at once
	w.agent.Restart(w.now, fragment, password)
}

// wait lets time pass, and timers fire when they are due.
func (w *world) wait(d time.Duration) {
	end := w.now.Add(d)
	for next := w.timers.Next(); !next.IsZero() && !next.After(end); next = w.timers.Next() {
		if next.After(w.now) {
			w.now = next
		}
		w.timers.Advance(w.now)
	}
	w.now = end
}

// check is a request of a peer. Zero values are what a good one has.
type check struct {
	id            uint64 // transaction; 0 is one never used before
	fragment      string
	password      string
	useCandidate  bool
	nomination    []pion.RawAttribute
	controlled    bool
	noPriority    bool
	noIntegrity   bool
	noFingerprint bool
	unknown       []uint16
	class         pion.MessageClass // the zero value is a request
}

func nomination(t pion.AttrType, value uint32) []pion.RawAttribute {
	return []pion.RawAttribute{{Type: t, Value: binary.BigEndian.AppendUint32(nil, value)}}
}

// build writes a check with pion's STUN, so that the agent never talks to itself.
func (w *world) build(c check) []byte {
	w.t.Helper()
	if c.id == 0 {
		w.lastID++
		c.id = w.lastID | 1<<48
	}
	if c.fragment == "" {
		c.fragment, c.password = testFragment, testPassword
	}
	var id [12]byte
	binary.BigEndian.PutUint64(id[4:], c.id)
	setters := []pion.Setter{
		pion.NewTransactionIDSetter(id), pion.NewType(pion.MethodBinding, c.class),
		pion.NewUsername(c.fragment + ":remote"),
	}
	role := pion.AttrICEControlling
	if c.controlled {
		role = pion.AttrICEControlled
	}
	setters = append(setters, pion.RawAttribute{Type: role, Value: make([]byte, 8)})
	if !c.noPriority {
		setters = append(setters, pion.RawAttribute{Type: pion.AttrPriority, Value: []byte{0x6e, 0, 1, 0xff}})
	}
	if c.useCandidate {
		setters = append(setters, pion.RawAttribute{Type: pion.AttrUseCandidate})
	}
	for _, a := range c.nomination {
		setters = append(setters, a)
	}
	for _, u := range c.unknown {
		setters = append(setters, pion.RawAttribute{Type: pion.AttrType(u), Value: []byte{1, 2, 3}})
	}
	if !c.noIntegrity {
		setters = append(setters, pion.NewShortTermIntegrity(c.password))
	}
	if !c.noFingerprint {
		setters = append(setters, pion.Fingerprint)
	}
	m, err := pion.Build(setters...)
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	return m.Raw
}

// send hands a datagram to the agent, spoils it, as it was only borrowed, and returns the answer.
func (w *world) send(datagram []byte, from tuple.Tuple) []byte {
	b := slices.Clone(datagram)
	n := w.agent.Handle(w.now, b, from, w.reply[:])
	for i := range b {
		b[i] = 0xdb
	}
	return w.reply[:n]
}

// check sends one and returns what came back: "silence", "success" or the error with its code.
func (w *world) check(c check, from tuple.Tuple) string {
	w.t.Helper()
	datagram := w.build(c)
	return w.verdict(c, from, datagram, w.send(datagram, from))
}

// verdict reads an answer with pion's STUN, and fails if it is not a proper one to the request.
func (w *world) verdict(c check, from tuple.Tuple, request, answer []byte) string {
	w.t.Helper()
	if len(answer) == 0 {
		return "silence"
	}
	password := c.password
	if c.fragment == "" {
		password = testPassword
	}
	m := &pion.Message{Raw: slices.Clone(answer)}
	for _, err := range []error{m.Decode(), pion.Fingerprint.Check(m), pion.NewShortTermIntegrity(password).Check(m)} {
		if err != nil {
			w.t.Fatalf("answer: %v", err)
		}
	}
	if string(m.TransactionID[:]) != string(request[8:20]) {
		w.t.Fatalf("answer to another transaction")
	}
	switch m.Type {
	case pion.BindingSuccess:
		var mapped pion.XORMappedAddress
		if err := mapped.GetFrom(m); err != nil {
			w.t.Fatalf("answer: %v", err)
		}
		if ip, _ := netip.AddrFromSlice(mapped.IP); netip.AddrPortFrom(ip.Unmap(), uint16(mapped.Port)) != from.Remote {
			w.t.Fatalf("mapped address %v, want %v", mapped, from.Remote)
		}
		return "success"
	case pion.BindingError:
		var code pion.ErrorCodeAttribute
		if err := code.GetFrom(m); err != nil {
			w.t.Fatalf("answer: %v", err)
		}
		text := fmt.Sprintf("error %d %s", code.Code, code.Reason)
		var unknown pion.UnknownAttributes
		if unknown.GetFrom(m) == nil {
			for _, u := range unknown {
				text += fmt.Sprintf(" %#04x", uint16(u))
			}
		}
		return text
	default:
		w.t.Fatalf("answer of type %v", m.Type)
		return ""
	}
}

// agree fails unless agent and owner see the same.
func (w *world) agree() {
	w.t.Helper()
	selected, ok := w.agent.Selected()
	if selected != w.selected || ok != w.selected.IsValid() {
		w.t.Fatalf("selected %v, %v; the owner has %v", selected, ok, w.selected)
	}
	if len(w.agent.tuples) != len(w.tuples) || len(w.tuples) > MaxTuples {
		w.t.Fatalf("%d tuples, the owner has %d", len(w.agent.tuples), len(w.tuples))
	}
	for x := range w.tuples {
		if !w.agent.KnowsTuple(x) {
			w.t.Fatalf("%v is not known", x)
		}
	}
	if s := w.agent.State(); s != w.state && s != Closed {
		w.t.Fatalf("state %v, the owner has %v", s, w.state)
	}
	active := w.state == Connected || w.state == Completed
	if w.agent.State() != Closed && active != ok {
		w.t.Fatalf("state %v, but selected is %v", w.state, ok)
	}
}

// path makes a tuple of a name: one letter tells the peer's address, a prefix "tcp-" the protocol,
// "v6-" the family. The same name is the same path.
func path(name string) tuple.Tuple {
	protocol, link := tuple.UDP, tuple.Link(1)
	letter := name
	if rest, ok := strings.CutPrefix(name, "tcp-"); ok {
		protocol, link, letter = tuple.TCP, 100+tuple.Link(rest[0]), rest
	}
	local, remote := "10.0.0.1:4443", netip.AddrFrom4([4]byte{10, 0, 1, letter[0]})
	if rest, ok := strings.CutPrefix(letter, "v6-"); ok {
		local = "[2001:db8::1]:4443"
		remote = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: rest[0]})
	}
	return tuple.Of(protocol, link, netip.MustParseAddrPort(local), netip.AddrPortFrom(remote, 50000))
}

// nameOf is the inverse of path.
func nameOf(x tuple.Tuple) string {
	name := ""
	if x.Protocol == tuple.TCP {
		name = "tcp-"
	}
	if x.Remote.Addr().Is6() {
		name += "v6-"
	}
	last := x.Remote.Addr().AsSlice()
	return name + string(last[len(last)-1])
}

func expect[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
}
