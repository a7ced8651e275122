package socket

import "sync/atomic"

// Pool is a bounded set of batches. Its bound is the back-pressure between readers and the loop:
// no batch, no reading. Batches are made when first needed, so an idle worker holds few.
type Pool struct {
	free chan *Batch
	made atomic.Int64
	out  atomic.Int64
}

// NewPool makes a pool of at most n batches, each of 128 KiB.
func NewPool(n int) *Pool {
	return &Pool{free: make(chan *Batch, n)}
}

// Size returns the bound.
func (p *Pool) Size() int { return cap(p.free) }

// InUse returns how many batches are with readers, sinks and handlers.
func (p *Pool) InUse() int { return int(p.out.Load()) }

// Take waits for a free batch, until cancel is closed: then it returns nil.
func (p *Pool) Take(cancel <-chan struct{}) *Batch {
	b := p.tryTake()
	if b == nil {
		select {
		case b = <-p.free:
		case <-cancel:
			return nil
		}
	}
	return p.lend(b)
}

// try is Take for who has a batch already: it returns nil when none is free. If readers waited for a second one, all could wait.
func (p *Pool) try() *Batch {
	if b := p.tryTake(); b != nil {
		return p.lend(b)
	}
	return nil
}

func (p *Pool) lend(b *Batch) *Batch {
	p.out.Add(1)
	b.reset()
	b.pool = p
	return b
}

// tryTake prefers batches that were used before: their pages are in memory already.
func (p *Pool) tryTake() *Batch {
	select {
	case b := <-p.free:
		return b
	default:
	}
	if p.made.Add(1) <= int64(cap(p.free)) {
		return newBatch(p)
	}
	p.made.Add(-1)
	return nil
}

// put takes a batch back. A batch without a pool was released before.
func (p *Pool) put(b *Batch) {
	if p == nil {
		panic("socket: batch released twice")
	}
	b.pool = nil
	p.out.Add(-1)
	p.free <- b
}
