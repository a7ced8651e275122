package loop

import (
	"runtime/debug"
)

// takeBatches handles first and the batches behind it, up to the bounds of a turn.
func (l *Loop) takeBatches(first delivery) error {
	d, packets := first, 0
	for n := 0; n < turnBatches && packets < turnPackets; n++ {
		if d.batch == nil {
			select {
			case d = <-l.batches:
			default:
				return nil
			}
		}
		packets += d.batch.Len()
		l.meter.batch(d.batch.Len())
		err := l.handle(d)
		l.queued.Add(-1)
		if err != nil {
			return err
		}
		d = delivery{}
	}
	return nil
}

// handle runs the handler over one batch, again after a panic that is not fatal: the packet that
// caused it is one peer's, those behind it are others'.
func (l *Loop) handle(d delivery) error {
	l.advance(l.steady(d.batch.At))
	for {
		left := d.batch.Remaining()
		p := l.call(d)
		if p == nil {
			break
		}
		if l.cfg.OnPanic == nil || l.cfg.OnPanic(l.now, p.Where, p.Value, p.Stack) {
			return p
		}
		if d.batch.Remaining() == 0 || d.batch.Remaining() == left {
			break // done, or it would panic on nothing for ever
		}
	}
	d.batch.Release()
	return nil
}

// call is one call of a handler, with its panic as a result.
func (l *Loop) call(d delivery) (p *PanicError) {
	defer func() {
		if v := recover(); v != nil {
			p = &PanicError{Where: "batch", Value: v, Stack: debug.Stack()}
		}
	}()
	d.handler(l.now, d.batch)
	return nil
}
