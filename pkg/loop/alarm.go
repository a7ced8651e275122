package loop

import "time"

// alarm wakes the loop for its next deadline. It owns one runtime timer, and leaves it alone where
// it can: most deadlines move later while they are waited for, and waking up once too early costs
// less than setting the timer each time.
type alarm struct {
	timer *time.Timer
	at    time.Time // when it fires, zero while it is not set
}

// init makes the timer, so that it can be waited for before it is set.
func (a *alarm) init() {
	if a.timer == nil {
		a.timer = time.NewTimer(time.Hour)
		a.timer.Stop()
	}
}

// set makes sure that the loop wakes at next, or a little later, and returns true instead when next
// has come already. The zero time is no deadline.
func (a *alarm) set(next, now time.Time) (due bool) {
	if next.IsZero() {
		return false
	}
	d := next.Sub(now)
	if d <= 0 {
		return true
	}
	d = max(d, timerGrain)
	if !a.at.IsZero() && !a.at.After(now.Add(d)) {
		return false
	}
	a.init()
	a.timer.Reset(d)
	a.at = now.Add(d)
	return false
}

// C is where the alarm fires; nil, for ever silent, before it was first set.
func (a *alarm) C() <-chan time.Time {
	if a.timer == nil {
		return nil
	}
	return a.timer.C
}

// fired tells that C was received from.
func (a *alarm) fired() { a.at = time.Time{} }

func (a *alarm) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}
