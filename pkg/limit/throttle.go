package limit

import (
	"net"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Throttle reads a connection no faster than a rate. Whoever sends faster is not refused but waits, for TCP holds it back: so nothing
// that can be wrapped in bytes, not even what the layers above never hear of, such as empty fragments, costs more than this.
type Throttle struct {
	net.Conn
	limiter *rate.Limiter
	burst   int

	once   sync.Once
	closed chan struct{}
}

// NewThrottle lets burst bytes pass at once, and then bytesPerSecond.
func NewThrottle(c net.Conn, bytesPerSecond float64, burst int) *Throttle {
	return &Throttle{Conn: c, limiter: rate.NewLimiter(rate.Limit(bytesPerSecond), burst), burst: burst, closed: make(chan struct{})}
}

// Read reads, and then waits for as long as it was too much.
func (t *Throttle) Read(p []byte) (int, error) {
	if len(p) > t.burst {
		p = p[:t.burst]
	}
	n, err := t.Conn.Read(p)
	if n <= 0 {
		return n, err
	}
	wait := t.limiter.ReserveN(time.Now(), n).Delay()
	if wait <= 0 {
		return n, err
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.closed:
	}
	return n, err
}

// Close ends the connection and what waits in Read.
func (t *Throttle) Close() error {
	t.once.Do(func() { close(t.closed) })
	return t.Conn.Close()
}
