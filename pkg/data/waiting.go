package data

// Result is what became of a message.
type Result uint8

// The results.
const (
	Sent         Result = iota
	NotConnected        // there is no association
	TooLarge            // larger than the transport sends
	Full                // as much waits as may
)

// overhead is about what a message costs beside its payload, in bytes: without it a flood of tiny ones would be free.
const overhead = 256

// Cost is what messages of that many bytes in all take in memory.
func Cost(bytes, messages int) int { return bytes + overhead*messages }

// waiting is what was sent and not acknowledged.
type waiting struct {
	bytes, messages int
}

func (w *waiting) cost() int { return Cost(w.bytes, w.messages) }

func (w *waiting) add(bytes int) {
	w.bytes += bytes
	w.messages++
}

// remove takes what is reported, and no more than there is: a report may be about a stream that was given up since.
func (w *waiting) remove(bytes, messages int) {
	w.bytes = max(0, w.bytes-bytes)
	w.messages = max(0, w.messages-messages)
}
