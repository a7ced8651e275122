package control

import "sync"

// mirror keeps what arrives at another router as paused as what it is made of. News come from callbacks, which cannot wait for answers, and
// may come faster than these, and on several goroutines: so they carry no state, and what counts is where it ends.
type mirror struct {
	silent func() bool // what shall be
	apply  func(paused bool) error

	mu      sync.Mutex
	is      bool // as it was made, to begin with
	running bool
}

// news says that what shall be may have changed.
func (m *mirror) news() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.running && m.is != m.silent() {
		m.running = true
		go m.run()
	}
}

// run applies until all is as it shall be, or there is nothing left to apply it to.
func (m *mirror) run() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for want := m.silent(); m.is != want; want = m.silent() {
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
	why   Reason
	thens []func(Reason)
}

// OnEnd has f called once it has ended, on a goroutine of its own, with the reason: empty is its own Close.
func (e *ending) OnEnd(f func(Reason)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over {
		go f(e.why)
		return
	}
	e.thens = append(e.thens, f)
}

func (e *ending) happened(why Reason) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over, e.why = true, why
	for _, f := range e.thens {
		go f(why)
	}
	e.thens = nil
}
