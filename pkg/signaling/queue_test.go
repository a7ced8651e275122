package signaling

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestOutbox(t *testing.T) {
	o := newOutbox()
	half := make([]byte, maxOutbox/2)
	for range 2 {
		if !o.put(half) {
			t.Fatal("a full outbox of 1 MiB is refused")
		}
	}
	if o.put([]byte{1}) {
		t.Error("more than 1 MiB is taken")
	}
	if m, closed := o.take(); len(m) != len(half) || closed {
		t.Errorf("took %d bytes, closed %t", len(m), closed)
	}
	if !o.put([]byte{1}) {
		t.Error("room that was made is not used")
	}
	o.close(4000, "first")
	o.close(1013, "second")
	if !o.put(half) {
		t.Error("what comes after the end is not dropped silently")
	}
	for _, want := range []int{len(half), 1} {
		if m, closed := o.take(); len(m) != want || closed {
			t.Errorf("took %d bytes, closed %t, want %d", len(m), closed, want)
		}
	}
	if m, closed := o.take(); m != nil || !closed {
		t.Errorf("took %d bytes of an empty outbox, closed %t", len(m), closed)
	}
	if code, reason := o.why(); code != 4000 || reason != "first" {
		t.Errorf("closes with %d %q", code, reason)
	}
}

func TestOutboxDrop(t *testing.T) {
	o := newOutbox()
	o.put([]byte{1})
	o.drop()
	o.close(1013, "")
	if m, closed := o.take(); m != nil || !closed {
		t.Errorf("took %d bytes after all were dropped, closed %t", len(m), closed)
	}
}

func TestPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pending
		first, agreed := p.add()
		second, refused := p.add()
		_, silent := p.add()
		if first == 0 || first == second {
			t.Fatalf("ids %d, %d", first, second)
		}
		no := errors.New("no")
		p.resolve(first, nil)
		p.resolve(second, no)
		p.resolve(second, nil) // twice
		p.resolve(999, nil)    // never asked
		if err := <-agreed; err != nil {
			t.Error(err)
		}
		if err := <-refused; err != no {
			t.Error(err)
		}
		start := time.Now()
		if err := <-silent; err != errNoAnswer || time.Since(start) != answerTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		_, left := p.add()
		p.close()
		_, late := p.add()
		for _, c := range []<-chan error{left, late} {
			if err := <-c; err != errGone {
				t.Error(err)
			}
		}
	})
}

func TestPendingIsBounded(t *testing.T) {
	var p pending
	defer p.close()
	for range maxPending {
		p.add()
	}
	if id, result := p.add(); id != 0 || <-result != errTooMany {
		t.Error("requests without an answer have no bound")
	}
}
