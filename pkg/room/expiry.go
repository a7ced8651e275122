package room

import (
	"time"

	"gazpacho/pkg/auth"
)

// renew has it stay as long as a grant lasts that was shown for it. The room is locked.
func (b *Broadcaster) renew(g auth.Grant) {
	switch {
	case b.expires.IsZero() || !g.Expires.IsZero() && !g.Expires.After(b.expires):
		return
	case g.Expires.IsZero():
		b.stopExpiry()
	}
	b.expires = g.Expires // the timer finds out
}

// expired ends it when the time of all grants is over.
func (b *Broadcaster) expired() {
	r := b.room
	r.mu.Lock()
	now := r.rooms.cfg.Now()
	over := !b.left && !b.expires.IsZero() && !now.Before(b.expires)
	switch {
	case over:
		b.part()
	case !b.left && !b.expires.IsZero():
		b.expiry = time.AfterFunc(b.expires.Sub(now), b.expired)
	}
	r.mu.Unlock()
	if over {
		r.log.Info("broadcaster ended: its token has expired", "broadcaster", b.id)
		b.closeTransports()
	}
}

// stopExpiry has it stay. The room is locked.
func (b *Broadcaster) stopExpiry() {
	if b.expiry != nil {
		b.expiry.Stop()
	}
}
