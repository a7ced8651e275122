package worker_test

import (
	"bytes"
	"testing"
	"time"

	"gazpacho/pkg/simtest"
)

// A large transfer does not stall (FACTS: the window must open in time), in both directions at once.
func TestBulkData(t *testing.T) {
	w := simtest.StartWorker(t)
	server, router := w.Server(), w.Router()
	o := simtest.PeerOptions{Data: true}
	const size, count = 32 << 10, 192 // more than a window of 5 MiB; pion reads no more than 64 KiB at a time
	var channels [2]struct{ from, to *simtest.Channel }
	for i := range channels {
		from, to := simtest.Connect(w, router, server, true, o), simtest.Connect(w, router, server, false, o)
		c := &channels[i]
		c.from = from.ProduceData("bulk", simtest.Stream{})
		c.to = to.ConsumeData(c.from, simtest.Stream{})
		c.from.WaitOpen()
		c.to.WaitOpen()
		from.WaitSCTP()
		to.WaitSCTP()
	}
	start := time.Now()
	for _, c := range channels {
		go func() {
			for n := range count {
				payload := bytes.Repeat([]byte{byte(n)}, size)
				for c.from.Pion.BufferedAmount() > 1<<20 || n-c.to.Total() > 24 {
					time.Sleep(time.Millisecond)
				}
				if c.from.Pion.Send(payload) != nil {
					return
				}
			}
		}()
	}
	for _, c := range channels {
		for n := range count {
			m := c.to.Take(1)[0]
			if len(m.Data) != size || m.Data[0] != byte(n) || m.Data[size-1] != byte(n) {
				t.Fatalf("message %d is %d bytes of %d", n, len(m.Data), m.Data[0])
			}
		}
	}
	t.Logf("2 × %d MiB in %v", size*count>>20, time.Since(start))
}
