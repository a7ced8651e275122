package turn

import (
	"time"

	"gazpacho/pkg/timer"
)

// reservationLifetime is how long a port waits for the Allocate that wants it: "at least 30 seconds" (RFC 8656 section 7.2).
const reservationLifetime = 30 * time.Second

// reservationToken is the value of RESERVATION-TOKEN (RFC 8656 section 18.10).
type reservationToken [8]byte

// reservation owns a relay that EVEN-PORT set aside, open, so that no other process can have its port either. It counts like an allocation of who asked
// for it.
type reservation struct {
	token    reservationToken
	relay    *Relay
	username string
	charge   charge
	timer    *timer.Timer
}

// reserve sets the relay aside that was opened together with that of the allocation.
func (s *Server) reserve(r *request, second *Relay) reservationToken {
	v := &reservation{relay: second, username: r.user.name, charge: s.ledger.hold(r.user.account, r.from.Remote.Addr())}
	s.random.read(v.token[:])
	s.reservations[v.token] = v
	v.timer = s.env.Timers.New(func(time.Time) { s.cancel(v) })
	v.timer.Reset(r.now.Add(reservationLifetime))
	return v.token
}

// cancel gives the port back.
func (s *Server) cancel(v *reservation) {
	s.forgetReservation(v)
	v.relay.close()
}

// claim gives the relay to an allocation.
func (s *Server) claim(a *allocation, v *reservation) *Relay {
	s.forgetReservation(v)
	v.relay.allocation = a
	return v.relay
}

func (s *Server) forgetReservation(v *reservation) {
	v.timer.Stop()
	delete(s.reservations, v.token)
	s.ledger.release(v.charge)
}
