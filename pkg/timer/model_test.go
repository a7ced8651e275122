package timer

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// model is a queue as one would write it without a heap: a list, sorted when asked.
type model struct {
	set []deadline
}

type deadline struct {
	id int
	at time.Time
}

func (m *model) stop(id int) {
	m.set = slices.DeleteFunc(m.set, func(d deadline) bool { return d.id == id })
}

func (m *model) reset(id int, at time.Time) {
	m.stop(id)
	m.set = append(m.set, deadline{id, at})
}

// due takes out what fires at now, in order.
func (m *model) due(now time.Time) (ids []int) {
	var left []deadline
	slices.SortStableFunc(m.set, func(a, b deadline) int { return a.at.Compare(b.at) })
	for _, d := range m.set {
		if d.at.After(now) {
			left = append(left, d)
		} else {
			ids = append(ids, d.id)
		}
	}
	m.set = left
	return ids
}

func (m *model) next() time.Time {
	var next time.Time
	for _, d := range m.set {
		if next.IsZero() || d.at.Before(next) {
			next = d.at
		}
	}
	return next
}

func TestQueueBehavesAsASortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q Queue
		var m model
		var fired []int
		timers := make([]*Timer, 12)
		for i := range timers {
			timers[i] = q.New(func(time.Time) { fired = append(fired, i) })
		}
		now := epoch
		id := rapid.IntRange(0, len(timers)-1)
		ms := rapid.IntRange(-3, 20) // in the past, too
		t.Repeat(map[string]func(*rapid.T){
			"reset": func(t *rapid.T) {
				i, at := id.Draw(t, "id"), now.Add(time.Duration(ms.Draw(t, "ms"))*time.Millisecond)
				timers[i].Reset(at)
				m.reset(i, at)
			},
			"stop": func(t *rapid.T) {
				i := id.Draw(t, "id")
				timers[i].Stop()
				m.stop(i)
			},
			"advance": func(t *rapid.T) {
				now = now.Add(time.Duration(ms.Draw(t, "ms")) * time.Millisecond)
				fired = nil
				q.Advance(now)
				if want := m.due(now); !slices.Equal(fired, want) {
					t.Fatalf("fired %v, want %v", fired, want)
				}
			},
			"": func(t *rapid.T) {
				if q.Len() != len(m.set) || !q.Next().Equal(m.next()) {
					t.Fatalf("Len %d, want %d; Next %v, want %v", q.Len(), len(m.set), q.Next(), m.next())
				}
				for i, x := range timers {
					want := slices.ContainsFunc(m.set, func(d deadline) bool { return d.id == i })
					if x.Pending() != want {
						t.Fatalf("timer %d pending %v, want %v", i, x.Pending(), want)
					}
				}
			},
		})
	})
}
