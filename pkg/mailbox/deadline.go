package mailbox

import "time"

// deadline is one of the two deadlines of a Conn, guarded by its mutex.
type deadline struct {
	timer    *time.Timer
	settings uint64 // how often it was set: a timer of an older setting is void
	passed   bool
}

// set replaces the deadline. The zero time removes it.
func (d *deadline) set(c *Conn, t time.Time) {
	d.clear()
	if t.IsZero() {
		return
	}
	left := time.Until(t)
	if left <= 0 {
		d.passed = true
		return
	}
	setting := d.settings
	d.timer = time.AfterFunc(left, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		// Stop cannot call back a timer that fired while the lock was held.
		if d.settings == setting {
			d.passed = true
			c.wake.Broadcast()
		}
	})
}

func (d *deadline) clear() {
	d.settings++
	d.passed = false
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
