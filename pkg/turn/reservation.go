package turn

import (
	"time"

	"gazpacho/pkg/timer"
)

// reservationLifetime is how long a port waits for the Allocate that wants it: "at least 30 seconds" (RFC 8656 section 7.2).
const reservationLifetime = 30 * time.Second

// reservationToken is the value of RESERVATION-TOKEN (RFC 8656 section 18.10).
type reservationToken [8]byte

// reservation owns a port that EVEN-PORT set aside. It counts like an allocation of who asked for it, and nobody else can have it.
type reservation struct {
	token    reservationToken
	pool     *pool
	port     uint16
	username string
	charge   charge
	timer    *timer.Timer
}

// reserve sets the port aside that was taken together with that of the allocation.
func (s *Server) reserve(r *request, a *allocation) reservationToken {
	relay := a.firstRelay()
	v := &reservation{
		pool: relay.pool, port: relay.local.Port() + 1, username: a.username, charge: s.ledger.hold(r.user.account, r.from.Remote.Addr()),
	}
	s.random.read(v.token[:])
	s.reservations[v.token] = v
	v.timer = s.env.Timers.New(func(time.Time) { s.cancel(v) })
	v.timer.Reset(r.now.Add(reservationLifetime))
	return v.token
}

// cancel gives the port back.
func (s *Server) cancel(v *reservation) {
	s.forgetReservation(v)
	v.pool.release(v.port)
}

// openReserved opens a relay on the port; nil, and the reservation stays, if that fails.
func (s *Server) openReserved(a *allocation, v *reservation) *Relay {
	r := s.bind(v.pool, v.port, a, false)
	if r != nil {
		s.forgetReservation(v)
	}
	return r
}

func (s *Server) forgetReservation(v *reservation) {
	v.timer.Stop()
	delete(s.reservations, v.token)
	s.ledger.release(v.charge)
}
