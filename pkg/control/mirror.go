package control

import "sync"

// mirror keeps what arrives at another router as paused as what it is made of. News come from callbacks, which cannot wait for answers, and
// may come faster than these: what counts is where they end.
type mirror struct {
	mu       sync.Mutex
	apply    func(paused bool) error // nil before begin
	want, is bool
	running  bool
}

// begin starts with a state that is applied already.
func (m *mirror) begin(paused bool, apply func(paused bool) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.is, m.apply = paused, apply
}

// set says what shall be.
func (m *mirror) set(paused bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.want = paused
	if m.apply != nil && !m.running && m.is != m.want {
		m.running = true
		go m.run()
	}
}

// run applies until all is as it shall be, or there is nothing left to apply it to.
func (m *mirror) run() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.is != m.want {
		want := m.want
		m.mu.Unlock()
		err := m.apply(want)
		m.mu.Lock()
		if err != nil {
			break
		}
		m.is = want
	}
	m.running = false
}

// ending is what happens when something has ended, whoever ended it. The zero value is nothing.
type ending struct {
	mu    sync.Mutex
	over  bool
	thens []func()
}

// onEnd has f called once it has ended, on a goroutine of its own.
func (e *ending) onEnd(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over {
		go f()
		return
	}
	e.thens = append(e.thens, f)
}

func (e *ending) happened() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over = true
	for _, f := range e.thens {
		go f()
	}
	e.thens = nil
}
