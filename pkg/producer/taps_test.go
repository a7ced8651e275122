package producer

import "testing"

func TestTapsKeepTheirOrder(t *testing.T) {
	w := newWorld(t, produceVideo(single()))
	a, b, c := w.tap("a"), w.tap("b"), w.tap("c")
	w.must(Media, video(10, 1, keyFrame))
	w.take()
	w.producer.RemoveTap(b)
	w.producer.RemoveTap(b)
	w.must(Media, video(10, 2, delta))
	w.want("a packet 1000 #2 pt 101, 5 bytes", "c packet 1000 #2 pt 101, 5 bytes")
	w.producer.AddTap(b)
	w.must(Media, video(10, 3, delta))
	w.want("a packet 1000 #3 pt 101, 5 bytes", "c packet 1000 #3 pt 101, 5 bytes", "b packet 1000 #3 pt 101, 5 bytes")
	for _, r := range []*recorder{a, b, c} {
		w.producer.RemoveTap(r)
	}
	w.must(Media, video(10, 4, delta))
	w.want()
}

func TestTapsMayChangeWhileTheyAreCalled(t *testing.T) {
	w := newWorld(t, produceVideo(single()))
	a, b, c := w.tap("a"), w.tap("b"), w.tap("c")
	d := &recorder{w: w, name: "d"}
	w.must(Media, video(10, 1, keyFrame))
	w.take()
	b.on = func() { // removes itself, the one before and the one behind, and adds another, all at once
		for _, r := range []*recorder{a, b, c} {
			w.producer.RemoveTap(r)
		}
		w.producer.AddTap(d)
	}
	w.must(Media, video(10, 2, delta))
	w.want("a packet 1000 #2 pt 101, 5 bytes", "b packet 1000 #2 pt 101, 5 bytes")
	w.must(Media, video(10, 3, delta))
	w.want("d packet 1000 #3 pt 101, 5 bytes")
	if n := len(w.producer.taps.list); n != 1 {
		t.Errorf("%d taps are left, want 1", n)
	}
}

// A tap that panics ends its own transport, not the producer of all others.
func TestTapsSurviveAPanic(t *testing.T) {
	w := newWorld(t, produceVideo(single()))
	a := w.tap("a")
	w.tap("b")
	w.must(Media, video(10, 1, keyFrame))
	a.on = func() { panic("a") }
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		w.give(video(10, 2, delta))
	}()
	w.producer.RemoveTap(a)
	if n := len(w.producer.taps.list); n != 1 {
		t.Errorf("%d taps are left, want 1", n)
	}
	w.take()
	w.must(Media, video(10, 3, delta))
	w.want("b packet 1000 #3 pt 101, 5 bytes")
}

func TestTapRemovedByClose(t *testing.T) {
	w := newWorld(t, produceVideo(single()))
	r := w.tap("a")
	w.tap("b")
	w.producer.Close(w.now)
	w.producer.RemoveTap(r)
	w.want("a closed", "b closed")
}
