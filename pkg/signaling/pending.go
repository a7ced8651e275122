package signaling

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// answerTimeout is how long a client may take to answer a request.
	answerTimeout = 30 * time.Second
	// maxPending bounds the requests without an answer; a room of 12 has some 30 consumers per peer.
	maxPending = 4096
)

var (
	errNoAnswer = errors.New("the client did not answer in time")
	errGone     = errors.New("the client is gone")
	errTooMany  = errors.New("the client leaves too many requests without an answer")
)

// pending is the requests to a client that wait for their answers.
type pending struct {
	mu     sync.Mutex
	calls  map[uint32]*call
	lastID uint32
	closed bool
}

type call struct {
	result chan error // holds one
	timer  *time.Timer
}

// add makes a request's id. The channel yields how it went.
func (p *pending) add() (uint32, <-chan error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := &call{result: make(chan error, 1)}
	switch {
	case p.closed:
		c.result <- errGone
		return 0, c.result
	case len(p.calls) >= maxPending:
		c.result <- errTooMany
		return 0, c.result
	case p.calls == nil:
		p.calls = map[uint32]*call{}
	}
	p.lastID++ // 0 is no id; wrapping takes 2^32 requests of one session
	id := p.lastID
	c.timer = time.AfterFunc(answerTimeout, func() { p.resolve(id, errNoAnswer) })
	p.calls[id] = c
	return id, c.result
}

// resolve ends a request; one that has ended already is none of our business.
func (p *pending) resolve(id uint32, result error) {
	p.mu.Lock()
	c := p.calls[id]
	delete(p.calls, id)
	p.mu.Unlock()
	if c != nil {
		c.timer.Stop()
		c.result <- result
	}
}

// close ends all requests.
func (p *pending) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for id, c := range p.calls {
		delete(p.calls, id)
		c.timer.Stop()
		c.result <- errGone
	}
}

// refusal is a client's answer that it will not.
func refusal(f frame) error {
	return fmt.Errorf("the client refused: %d %s", f.errorCode, f.errorReason)
}
