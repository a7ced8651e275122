package fbwire

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// slow is a reader's end that takes nothing until it is told to.
type slow struct {
	next chan struct{}
	got  bytes.Buffer
	fail error
}

func (s *slow) Write(b []byte) (int, error) {
	<-s.next
	if s.fail != nil {
		return 0, s.fail
	}
	return s.got.Write(b)
}

// Putting does not wait for the writer, who writes all in order, also what comes while it writes and before it is closed.
func TestOutbox(t *testing.T) {
	o := newOutbox(100)
	w := &slow{next: make(chan struct{})}
	written := make(chan error)
	o.put([]byte("one"), false)
	go func() { written <- o.write(w) }()
	w.next <- struct{}{} // it has taken the first
	for _, m := range []string{"two", "three"} {
		if !o.put([]byte(m), false) {
			t.Errorf("%s does not fit", m)
		}
	}
	o.close()
	if !o.put([]byte("late"), false) {
		t.Error("a closed outbox stalls")
	}
	close(w.next)
	if err := <-written; err != nil || w.got.String() != "onetwothree" {
		t.Errorf("%q was written, %v", w.got.String(), err)
	}
}

func TestOutboxLimits(t *testing.T) {
	o := newOutbox(10)
	if !o.put(make([]byte, 10), false) || o.put([]byte("x"), false) {
		t.Error("the limit is not heeded")
	}
	o = newOutbox(2 * maxLossy)
	for range 3 {
		if !o.put(make([]byte, maxLossy/2), true) {
			t.Error("what may be lost stalls")
		}
	}
	if o.drops() != 1 || !o.put([]byte("kept"), false) {
		t.Errorf("%d dropped", o.drops())
	}
}

func TestOutboxOfNobody(t *testing.T) {
	o := newOutbox(10)
	w := &slow{next: make(chan struct{}, 1), fail: io.ErrClosedPipe}
	w.next <- struct{}{}
	o.put([]byte("x"), false)
	if err := o.write(w); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	if !o.put(make([]byte, 11), false) {
		t.Error("it stalls though nobody reads any more")
	}
}
