package dtls

// MaxHandshakes is how many handshakes a worker runs at the same time: at a third of a millisecond
// of CPU each, some 70 ms of work.
const MaxHandshakes = 200

// Limiter bounds the handshakes in progress. It belongs to the loop, and all associations of a worker share it.
type Limiter struct{ free int }

// NewLimiter allows max handshakes at the same time.
func NewLimiter(max int) *Limiter { return &Limiter{free: max} }

// Free returns how many more may start.
func (l *Limiter) Free() int { return l.free }

func (l *Limiter) take() bool {
	if l.free <= 0 {
		return false
	}
	l.free--
	return true
}

func (l *Limiter) release() { l.free++ }
