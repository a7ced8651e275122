package worker

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"gazpacho/pkg/channel"
)

// The oldest go when more waits than may, and what is left keeps its order, whatever is put and taken in between.
func TestInbox(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var i inbox
		var posted []*parcel
		taken, put, gone := 0, 0, 0
		last := -1
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			if rapid.Bool().Draw(r, "take") && len(posted) > 0 {
				n := i.take(posted[0])
				posted = posted[1:]
				if n == nil {
					gone++
					continue
				}
				taken++
				number := 0
				if _, err := fmt.Sscan(n.HandlerID, &number); err != nil || number <= last {
					r.Fatalf("%q after %d", n.HandlerID, last)
				}
				last = number
				continue
			}
			size := rapid.SampledFrom([]int{0, 100, 300_000, 2 << 20}).Draw(r, "size")
			posted = append(posted, i.put(channel.Notification{HandlerID: fmt.Sprint(put), Payload: make([]byte, size)}))
			put++
			if i.bytes > maxInbox && len(i.waiting) > 1 {
				r.Fatalf("%d bytes of %d wait", i.bytes, len(i.waiting))
			}
		}
		for _, p := range posted {
			if i.take(p) != nil {
				taken++
			} else {
				gone++
			}
		}
		overrun, _ := i.drops()
		if taken+gone != put || overrun != uint64(gone) || i.bytes != 0 || len(i.waiting) != 0 {
			r.Fatalf("put %d, taken %d, gone %d; %d counted, %d bytes left", put, taken, gone, overrun, i.bytes)
		}
	})
}

func TestInboxKeepsTheNewest(t *testing.T) {
	var i inbox
	var parcels []*parcel
	const size = 1000
	for n := range 3 * maxInbox / size {
		parcels = append(parcels, i.put(channel.Notification{HandlerID: fmt.Sprint(n), Payload: make([]byte, size)}))
	}
	fit := maxInbox / (size + parcelCost)
	for n, p := range parcels {
		if kept := n >= len(parcels)-fit; (i.take(p) != nil) != kept {
			t.Fatalf("%d of %d: kept %v", n, len(parcels), !kept)
		}
	}
	if overrun, _ := i.drops(); overrun != uint64(len(parcels)-fit) {
		t.Errorf("%d counted as overrun", overrun)
	}
}
