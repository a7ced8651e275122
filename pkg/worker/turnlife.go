package worker

import (
	"errors"
	"time"

	"gazpacho/proto"
)

// Relaying is how an operator has a worker relay, besides what its controller says.
type Relaying struct {
	Settings *proto.TURNSettings        // nil: nothing is relayed, unless the controller asks for it
	Reload   <-chan *proto.TURNSettings // takes the place of the settings; may be nil
	Drain    <-chan struct{}            // once closed, no allocation begins, and the worker ends with the last; may be nil
	DrainFor time.Duration              // how long that may take
}

// startRelaying relays from the start, if the settings say so. The loop does not run yet.
func (w *Worker) startRelaying() error {
	s := w.cfg.TURN.Settings
	if s == nil {
		if w.cfg.Channel == "" {
			return &SettingError{Setting: "channel", Err: errors.New("is missing: give --channel unix:PATH or fd:N, or --turn-listen to relay without a controller")}
		}
		return nil
	}
	if w.cfg.Channel == "" && len(s.Listen) == 0 {
		return &SettingError{Setting: "turn-listen", Err: errors.New("is missing: without a controller there are no other ports to relay on")}
	}
	p, wrong := planTURN(s)
	if wrong == nil {
		wrong = w.setRelay(time.Now(), p)
	}
	if wrong != nil {
		return wrong.setting()
	}
	if len(s.Users)+len(s.Secrets) == 0 {
		w.cfg.Log.Warn("nobody can relay, only STUN is answered: there are no users (turn-user) and no secrets (turn-secret)")
	}
	return nil
}

// turnEnd sends what the turn of the loop has made.
func (w *Worker) turnEnd(now time.Time) {
	w.egress.Flush()
	if w.relay != nil {
		w.relay.turnEnd(now)
	}
}

// listenToOperator takes what the process is told from outside, while it lives.
func (w *Worker) listenToOperator() {
	reload, drain := w.cfg.TURN.Reload, w.cfg.TURN.Drain
	for {
		select {
		case <-w.ctx.Done():
			return
		case s := <-reload:
			w.loop.Post(func(now time.Time) { w.reloadTURN(now, s) })
		case <-drain:
			drain = nil
			w.loop.Post(w.drain)
		}
	}
}

// reloadTURN keeps the old settings when the new ones are wrong.
func (w *Worker) reloadTURN(now time.Time, s *proto.TURNSettings) {
	p, wrong := planTURN(s)
	if wrong == nil {
		wrong = w.setRelay(now, p)
	}
	if wrong != nil {
		w.cfg.Log.Error("settings are not taken over", "reason", wrong.setting().Error())
		return
	}
	w.cfg.Log.Info("settings are taken over")
}

// drain ends the worker with the last allocation, or when that takes too long.
func (w *Worker) drain(now time.Time) {
	if w.relay == nil {
		w.cancel()
		return
	}
	w.cfg.Log.Info("draining", "allocations", w.relay.server.Stats().Allocations, "for", w.cfg.TURN.DrainFor)
	w.relay.drain(w.cancel)
	w.loop.Timers().New(func(time.Time) { w.cancel() }).Reset(now.Add(w.cfg.TURN.DrainFor))
}

// silence is the channel of a worker that has none: nobody asks, and what is told is heard by nobody.
type silence struct{ closed chan struct{} }

func newSilence() silence { return silence{make(chan struct{})} }

// Serve waits for Close.
func (s silence) Serve() error { <-s.closed; return nil }

// Notify drops an event.
func (silence) Notify(string, proto.Event) bool { return true }

// NotifyBinary drops an event.
func (silence) NotifyBinary(string, string, any, []byte) bool { return true }

// Dropped is nothing that anybody misses.
func (silence) Dropped() uint64 { return 0 }

// Close is called once.
func (s silence) Close() error { close(s.closed); return nil }
