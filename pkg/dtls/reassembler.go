package dtls

import "slices"

// What a handshake may make us hold. The library's own buffer takes 2 MB, looks at all of it for
// every fragment, and never forgets old messages, so it is never given a fragment out of order.
const (
	maxMessage  = 16 << 10
	maxMemory   = 48 << 10 // all messages of an association; more than any two of them
	maxPieces   = 32       // received ranges with gaps between them
	maxMessages = 8        // how far a message may run ahead; the longest flight has 5
)

// reassembler turns handshake fragments into whole messages, in order, each once.
type reassembler struct {
	next    uint16 // the message_seq that is handed out next
	partial []partial
}

// partial is a message of which some bytes have come.
type partial struct {
	seq    uint16
	raw    []byte // unfragmented header and body
	pieces []piece
}

// piece is a received range of the body. The pieces of a message are sorted and do not touch.
type piece struct{ from, to int }

func (p *partial) kind() uint8  { return p.raw[0] }
func (p *partial) body() []byte { return p.raw[handshakeHeader:] }

func (p *partial) complete() bool {
	n := len(p.body())
	return n == 0 || len(p.pieces) == 1 && p.pieces[0] == piece{0, n}
}

// add takes in one fragment, and copies it. It returns passed, or why the fragment is worth nothing.
func (r *reassembler) add(f fragment) Drop {
	ahead := f.seq - r.next
	switch {
	case ahead > 1<<15:
		return DropDuplicate
	case ahead >= maxMessages || f.length > maxMessage:
		return DropFragment
	}
	i := slices.IndexFunc(r.partial, func(p partial) bool { return p.seq == f.seq })
	// If two fragments disagree about a message, one is forged, or of an earlier handshake. The newer
	// one wins: the peer repeats itself, so in the end the genuine one is the newer.
	if i >= 0 && (r.partial[i].kind() != f.kind || len(r.partial[i].body()) != f.length) {
		r.forget(i)
		i = -1
	}
	if i >= 0 && r.partial[i].complete() {
		return DropDuplicate
	}
	if i < 0 {
		if !r.makeRoom(handshakeHeader+f.length, f.seq) {
			return DropMemory
		}
		raw := make([]byte, handshakeHeader+f.length)
		putHandshakeHeader(raw, f.kind, f.length, f.seq, 0, f.length)
		r.partial = append(r.partial, partial{seq: f.seq, raw: raw})
		i = len(r.partial) - 1
	}
	p := &r.partial[i]
	if !p.insert(piece{f.offset, f.offset + len(f.data)}, maxPieces-r.pieceCount()) {
		return DropMemory
	}
	copy(p.body()[f.offset:], f.data)
	return passed
}

// front returns the next message if it is complete. It stays until advance or reject.
func (r *reassembler) front() (*partial, bool) {
	for i := range r.partial {
		if p := &r.partial[i]; p.seq == r.next {
			return p, p.complete()
		}
	}
	return nil, false
}

// advance goes on to the message after the front.
func (r *reassembler) advance() {
	r.reject()
	r.next++
}

// reject forgets the front, so that the peer's next copy of it has a chance.
func (r *reassembler) reject() {
	if i := slices.IndexFunc(r.partial, func(p partial) bool { return p.seq == r.next }); i >= 0 {
		r.forget(i)
	}
}

func (r *reassembler) forget(i int) { r.partial = slices.Delete(r.partial, i, i+1) }

// makeRoom forgets messages that are further ahead than seq until size bytes fit: whatever has been
// sent to fill the memory, the message that is due always finds room.
func (r *reassembler) makeRoom(size int, seq uint16) bool {
	for r.memory()+size > maxMemory {
		last := -1
		for i := range r.partial {
			if ahead := r.partial[i].seq - r.next; ahead > seq-r.next && (last < 0 || ahead > r.partial[last].seq-r.next) {
				last = i
			}
		}
		if last < 0 {
			return false
		}
		r.forget(last)
	}
	return true
}

func (r *reassembler) memory() (n int) {
	for i := range r.partial {
		n += len(r.partial[i].raw)
	}
	return n
}

func (r *reassembler) pieceCount() (n int) {
	for i := range r.partial {
		n += len(r.partial[i].pieces)
	}
	return n
}

// insert adds a range and joins it with those it touches. It fails if room for a piece is needed and
// there is none.
func (p *partial) insert(n piece, room int) bool {
	i := 0
	for i < len(p.pieces) && p.pieces[i].to < n.from {
		i++
	}
	j := i
	for j < len(p.pieces) && p.pieces[j].from <= n.to {
		n.from, n.to = min(n.from, p.pieces[j].from), max(n.to, p.pieces[j].to)
		j++
	}
	if i == j && room <= 0 {
		return false
	}
	p.pieces = slices.Replace(p.pieces, i, j, n)
	return true
}
