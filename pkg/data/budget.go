package data

// Budget bounds what waits for peers, in bytes, over many consumers: those of a transport, and of a worker above it (R-SCTP-2).
type Budget struct {
	limit  int
	used   int
	parent *Budget // nil for the outermost
}

// NewBudget makes a budget within another; parent may be nil.
func NewBudget(limit int, parent *Budget) *Budget { return &Budget{limit: limit, parent: parent} }

// Take takes n bytes from the budget and all above it, or nothing.
func (b *Budget) Take(n int) bool {
	for at := b; at != nil; at = at.parent {
		if at.used+n > at.limit {
			return false
		}
	}
	b.Give(-n)
	return true
}

// Give gives n bytes back.
func (b *Budget) Give(n int) {
	for at := b; at != nil; at = at.parent {
		at.used -= n
	}
}

// Used is how many bytes are taken.
func (b *Budget) Used() int { return b.used }
