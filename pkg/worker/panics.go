package worker

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gazpacho/pkg/loop"
)

// A panic while a packet is handled costs the transport it was for. More than a few in a minute mean that something is wrong at large,
// and end the process; the supervisor starts a new one.
const (
	panicWindow = time.Minute
	maxPanics   = 3
)

// panics decides what a panic costs.
type panics struct {
	log    *slog.Logger
	in     faulty // whose packets are being handled
	recent []time.Time
	total  uint64
}

// faulty is what can be taken out of service.
type faulty interface{ Fault(now time.Time) }

// serving notes whom the packets at hand go to.
func (p *panics) serving(in faulty) { p.in = in }

// handle is told of a panic in a packet handler.
func (p *panics) handle(now time.Time, where string, value any, stack []byte) (fatal bool) {
	p.say(where, value, stack)
	p.total++
	kept := p.recent[:0]
	for _, at := range p.recent {
		if now.Sub(at) < panicWindow {
			kept = append(kept, at)
		}
	}
	p.recent = append(kept, now)
	if len(p.recent) > maxPanics || p.in == nil {
		return true
	}
	p.in.Fault(now)
	return false
}

// fatal is told why the loop ended. Only a packet handler's panic was logged already.
func (p *panics) fatal(err error) {
	var e *loop.PanicError
	if errors.As(err, &e) && e.Where != "batch" {
		p.say(e.Where, e.Value, e.Stack)
	}
}

func (p *panics) say(where string, value any, stack []byte) {
	p.log.Error("panic", "where", where, "value", fmt.Sprint(value), "stack", string(stack))
}
