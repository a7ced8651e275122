package channel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"gazpacho/proto"
)

// queued makes an entry with text as its frame.
func queued(class proto.Class, k, text string) *entry {
	e := newEntry(class)
	e.key = key{topic: "e", target: k}
	e.frame = append(e.frame, text...)
	e.seal(MaxFrame)
	return e
}

// drain takes everything and returns the texts.
func drain(q *queue) []string {
	var texts []string
	for {
		batch, _ := q.take(nil)
		if len(batch) == 0 {
			return texts
		}
		for _, e := range batch {
			texts = append(texts, string(e.frame[prefix:]))
			q.wrote(len(e.frame))
			e.release()
		}
	}
}

func TestQueueKeepsOrderAndCoalescesInPlace(t *testing.T) {
	q := newQueue()
	for _, e := range []*entry{
		queued(proto.State, "", "s1"),
		queued(proto.Coalesce, "a", "a1"),
		queued(proto.Lossy, "", "l1"),
		queued(proto.Coalesce, "b", "b1"),
		queued(proto.State, "", "s2"),
		queued(proto.Coalesce, "a", "a2"),
		queued(proto.Coalesce, "a", "a3, which is longer"),
	} {
		if err := q.put(e); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := strings.Join(drain(q), " "), "s1 a3, which is longer l1 b1 s2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// What was taken is not there to be replaced.
	q.put(queued(proto.Coalesce, "a", "a4"))
	q.put(queued(proto.State, "", "s3"))
	if got := strings.Join(drain(q), " "); got != "a4 s3" {
		t.Errorf("got %s", got)
	}
	if q.bytes != 0 || q.lossyBytes != 0 || len(q.newest) != 0 || q.lossyFirst != nil {
		t.Errorf("an empty queue counts %d bytes, %d lossy, %d coalesced", q.bytes, q.lossyBytes, len(q.newest))
	}
}

func TestQueueDropsOldestLossy(t *testing.T) {
	q := newQueue()
	big := strings.Repeat("x", maxLossy/4)
	q.put(queued(proto.State, "", "s1"))
	for i := range 10 {
		q.put(queued(proto.Lossy, "", fmt.Sprint(i, big)))
	}
	q.put(queued(proto.State, "", "s2"))
	var got []string
	for _, s := range drain(q) {
		got = append(got, strings.TrimRight(s, "x"))
	}
	// Three fit into a MiB with their headers.
	if s := strings.Join(got, ""); s != "s1789s2" || q.drops() != 7 {
		t.Errorf("got %q, %d dropped", s, q.drops())
	}
	// One that is larger than all room is sent if it is alone.
	q.put(queued(proto.Lossy, "", strings.Repeat("y", 2*maxLossy)))
	if got := drain(q); len(got) != 1 || q.drops() != 7 {
		t.Errorf("got %d, %d dropped", len(got), q.drops())
	}
}

func TestQueueStallsAt16MiB(t *testing.T) {
	q := newQueue()
	frame := strings.Repeat("x", 1<<20-prefix)
	for range 16 {
		if err := q.put(queued(proto.State, "", frame)); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.put(queued(proto.State, "", "")); !errors.Is(err, errStalled) {
		t.Errorf("got %v", err)
	}
	// What the writer holds counts until it is written.
	batch, _ := q.take(nil)
	if err := q.put(queued(proto.State, "", "")); !errors.Is(err, errStalled) {
		t.Errorf("while writing: got %v", err)
	}
	for _, e := range batch {
		q.wrote(len(e.frame))
	}
	if err := q.put(queued(proto.State, "", "")); err != nil {
		t.Errorf("after writing: got %v", err)
	}
}

func TestQueueWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		ctx, cancel := context.WithCancel(t.Context())
		frame := strings.Repeat("x", 1<<20)
		put := make(chan error)
		for range 7 {
			if err := q.putWait(ctx, queued(proto.State, "", frame)); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			go func() { put <- q.putWait(ctx, queued(proto.State, "", frame)) }()
		}
		go func() { put <- q.putWait(ctx, queued(proto.State, "", strings.Repeat("y", MaxFrame))) }()
		synctest.Wait()
		select {
		case err := <-put:
			t.Fatalf("did not wait: %v", err)
		default:
		}
		// A reader comes: all go through, the long one at last.
		for range 4 {
			drain(q)
			if err := <-put; err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		drain(q)
		// Nobody reads: the caller's patience ends it.
		for range 7 {
			q.putWait(ctx, queued(proto.State, "", frame))
		}
		go func() { put <- q.putWait(ctx, queued(proto.State, "", frame)) }()
		synctest.Wait()
		cancel()
		if err := <-put; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		// Or the end of the channel does.
		go func() { put <- q.putWait(t.Context(), queued(proto.State, "", frame)) }()
		synctest.Wait()
		q.close()
		if err := <-put; !errors.Is(err, errClosed) {
			t.Errorf("got %v", err)
		}
		if err := q.put(queued(proto.State, "", "")); !errors.Is(err, errClosed) {
			t.Errorf("got %v", err)
		}
	})
}

// TestQueueModel holds the queue against a slice.
func TestQueueModel(t *testing.T) {
	type frame struct {
		class proto.Class
		key   string
		text  string
	}
	rapid.Check(t, func(t *rapid.T) {
		q := newQueue()
		var model []frame
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			if rapid.IntRange(0, 4).Draw(t, "take") == 0 {
				batch, _ := q.take(nil)
				size := 0
				for j, e := range batch {
					if len(model) == 0 || string(e.frame[prefix:]) != model[0].text {
						t.Fatalf("took %q, want %+v", e.frame[prefix:], model)
					}
					model = model[1:]
					if size += len(e.frame); size > maxBatch && j > 0 {
						t.Fatalf("a batch of %d bytes", size)
					}
					q.wrote(len(e.frame))
					e.release()
				}
				continue
			}
			f := frame{
				class: proto.Class(rapid.IntRange(0, 2).Draw(t, "class")),
				key:   rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key"),
				text:  fmt.Sprint(i, strings.Repeat(".", rapid.SampledFrom([]int{0, 100, maxBatch / 2, maxLossy / 3}).Draw(t, "size"))),
			}
			if q.put(queued(f.class, f.key, f.text)) != nil {
				t.Fatal("put failed")
			}
			model = expect(model, f, func(f frame) (proto.Class, string, int) { return f.class, f.key, prefix + len(f.text) })
		}
		rest := drain(q)
		if len(rest) != len(model) {
			t.Fatalf("%d are left, want %d", len(rest), len(model))
		}
		for i, text := range rest {
			if text != model[i].text {
				t.Fatalf("left %q, want %q", text, model[i].text)
			}
		}
		if q.bytes != 0 || q.lossyBytes != 0 {
			t.Fatalf("an empty queue counts %d bytes, %d lossy", q.bytes, q.lossyBytes)
		}
	})
}

// expect is the rules of the classes once more, on a slice.
func expect[F any](model []F, f F, of func(F) (class proto.Class, key string, size int)) []F {
	class, k, _ := of(f)
	if class == proto.Coalesce {
		for i := range model {
			if c, other, _ := of(model[i]); c == class && other == k {
				model[i] = f
				return model
			}
		}
	}
	model = append(model, f)
	lossy := 0
	for i := len(model) - 1; i >= 0; i-- {
		if c, _, n := of(model[i]); c == proto.Lossy {
			if lossy += n; lossy > maxLossy && i < len(model)-1 {
				model = append(model[:i:i], model[i+1:]...)
			}
		}
	}
	return model
}

func TestNotifyAllocatesLittle(t *testing.T) {
	l := &link{out: newQueue()}
	score := &proto.ProducerScore{{SSRC: 1111, Score: 10}}
	for range 100 {
		l.notify(proto.Coalesce, "p", proto.EventProducerScore, score, nil)
	}
	// One event a second per stream: what the msgpack library allocates for its omitted fields is all.
	if n := testing.AllocsPerRun(1000, func() { l.notify(proto.Coalesce, "p", proto.EventProducerScore, score, nil) }); n > 3 {
		t.Errorf("%v allocations", n)
	}
	if len(drain(l.out)) != 1 {
		t.Error("not coalesced")
	}
}

func TestEntriesAreCleanWhenReused(t *testing.T) {
	e := queued(proto.Coalesce, "k", "text")
	e.release()
	e = newEntry(proto.State)
	if !bytes.Equal(e.frame[prefix:], nil) || e.key != (key{}) || e.next != nil || e.lossy != nil {
		t.Errorf("got %+v", e)
	}
}
