package loop

import (
	"gazpacho/pkg/socket"
)

// maxDirect is how many batches of one reader are handled in one turn: as many packets as a turn takes of all.
const maxDirect = turnPackets / socket.BatchSize

// Direct makes a sink for one reader, whose batches are handled on the reader's goroutine: nobody has to be woken, which costs more than a small
// batch does. While the loop is busy the reader waits, and what arrives meanwhile is its next batch. Before Run, and until what came before it is
// handled, batches wait in the loop's queue as those of Sink do.
//
// The handler, the timers' functions and the hooks may then run on that goroutine, one goroutine at a time: they must not wait for the reader to end.
// Posted functions never do, so they may.
func (l *Loop) Direct(h Handler) socket.Sink {
	held := make([]delivery, 0, maxDirect) // the reader's own: a sink is called by it alone
	return func(b *socket.Batch) {
		held = append(held, delivery{b, h})
		if b.More && len(held) < maxDirect {
			return
		}
		l.take(held)
		clear(held)
		held = held[:0]
	}
}

// take handles what a reader has, as soon as nobody else is at it.
func (l *Loop) take(list []delivery) {
	l.baton.Lock()
	if !l.open || !l.caughtUp {
		for _, d := range list {
			l.queue(d)
		}
		l.baton.Unlock()
		return
	}
	err := l.directTurn(list)
	if err != nil {
		l.failed, l.open = err, false
	}
	wake := err != nil || l.wake.set(l.timers.Next(), l.ended)
	l.baton.Unlock()
	if wake {
		l.posts.kick()
	}
}

// queue has room for all batches of the Pool.
func (l *Loop) queue(d delivery) {
	l.queued.Add(1)
	l.batches <- d
}

// directTurn is a turn without posted functions: those have their own goroutine.
func (l *Loop) directTurn(list []delivery) error {
	woke := l.steady(l.cfg.Clock())
	l.meter.begin(woke)
	for _, d := range list {
		l.meter.batch(d.batch.Len())
		if err := l.handle(d); err != nil {
			return err
		}
	}
	l.advance(woke)
	return l.endTurn()
}
