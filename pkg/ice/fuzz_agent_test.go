package ice

import (
	"fmt"
	"testing"
	"time"

	"gazpacho/pkg/simtest/script"
)

// Operations of FuzzAgent.
const (
	agentCheck = iota
	agentReplay
	agentForge
	agentMedia
	agentWait
	agentRemove
	agentRestart
	agentGarbage
	agentOperations
)

// FuzzAgent takes an agent and the model of it through any checks, replays, forgeries, media, restarts and times. Both always agree, and in the
// end nothing is left.
func FuzzAgent(f *testing.F) {
	places := []string{"a", "b", "c", "d", "e", "f", "g", "v6-h", "v6-i", "tcp-j", "tcp-k", "tcp-l"}
	waits := []time.Duration{0, time.Millisecond, 99 * time.Millisecond, quiet, time.Second, 9 * time.Second}
	f.Add(script.Write(1, agentCheck, 1, 0, 0, 3, agentMedia, 3, agentReplay, 0, 1, agentWait, 5, agentWait, 5, agentCheck, 0, 0, 5, 2))
	f.Add(script.Write(0, agentCheck, 0, 0, 1, 0, agentRestart, agentCheck, 1, 1, 0, 2, agentRestart, agentRestart, agentForge, 7, agentRemove, 2))
	f.Add(append(script.Write(1, agentCheck, 1, 0, 2, 0), script.Write(agentCheck, 9, 0, 3, 1, agentMedia, 1, agentWait, 3, agentMedia, 1, agentGarbage, "\x00\x01\x00\x00")...))
	f.Fuzz(func(t *testing.T, input []byte) {
		s := script.New(input)
		consent := time.Duration(0)
		if s.Bool() {
			consent = 10 * time.Second
		}
		m := &machine{world: newWorld(t, consent), model: model{consent: consent, fragments: []string{testFragment}, seen: map[uint64]bool{}}}
		w := m.world
		forged := 0
		for steps := 0; s.More() && steps < 60; steps++ {
			switch s.Below(agentOperations) {
			case agentCheck:
				flags := s.Byte()
				c := check{
					id: uint64(len(m.sent)) + 1<<32, useCandidate: flags&1 != 0, controlled: flags&14 == 14,
					fragment: m.model.fragments[s.Below(len(m.model.fragments))],
				}
				c.password = passwordOf(c.fragment)
				var value *uint32
				if n := uint32(s.Below(8)); n < 5 {
					value = &n
					c.nomination = nomination(0x0030, n)
				}
				m.sent = append(m.sent, sent{c, value, w.build(c)})
				m.deliverFrom(t, m.sent[len(m.sent)-1], places[s.Below(len(places))])
			case agentReplay:
				if len(m.sent) > 0 {
					m.deliverFrom(t, m.sent[s.Below(len(m.sent))], places[s.Below(len(places))])
				}
			case agentForge:
				// The model knows no budget of failures.
				if forged++; forged >= failureBudget {
					continue
				}
				c := check{fragment: m.model.fragments[0], password: "guess", useCandidate: true}
				if got := w.check(c, path(places[s.Below(len(places))])); got != "silence" {
					t.Fatalf("answer %q to a forged check", got)
				}
			case agentMedia:
				from := places[s.Below(len(places))]
				w.agent.Authenticated(w.now, path(from))
				m.model.media(w.now, from)
			case agentWait:
				w.wait(waits[s.Below(len(waits))])
				m.model.expire(w.now)
			case agentRemove:
				name := places[s.Below(len(places))]
				w.agent.RemoveTuple(w.now, path(name))
				m.model.remove(w.now, name)
			case agentRestart:
				m.restarts++
				fragment := fmt.Sprint("fragment", m.restarts)
				w.restart(fragment, passwordOf(fragment))
				m.model.restart(w.now, fragment)
			case agentGarbage:
				if answer := w.send(s.Bytes(), path(places[s.Below(len(places))])); len(answer) > 0 {
					t.Fatalf("answered %x", answer)
				}
			}
			m.same(t)
		}
		w.agent.Close()
		if len(w.tuples) != 0 || len(w.fragments) != 0 || w.timers.Len() != 0 {
			t.Fatalf("left behind: %v, %v, %d timers", w.tuples, w.fragments, w.timers.Len())
		}
	})
}
