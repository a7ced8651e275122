package socket

import "gazpacho/pkg/tuple"

// Memory is the in-memory twin of Egress: it keeps what was committed, in order, for tests and
// simulated networks.
type Memory struct {
	slot [slotSize]byte
	sent []Sent
}

// Sent is a packet that was committed to a Memory.
type Sent struct {
	Data []byte
	To   tuple.Tuple
}

// Next returns the slot for the next packet, as large as that of an Egress and filled with
// nonsense, so that who relies on zeroes is found out.
func (m *Memory) Next() []byte {
	for i := range m.slot {
		m.slot[i] = 0xdb
	}
	return m.slot[slotHead:]
}

// Commit keeps a copy of the first n bytes of the slot.
func (m *Memory) Commit(n int, to tuple.Tuple) {
	data := append([]byte(nil), m.slot[slotHead:slotHead+n]...)
	m.sent = append(m.sent, Sent{Data: data, To: to})
}

// Take returns the packets that were committed since the last call.
func (m *Memory) Take() []Sent {
	sent := m.sent
	m.sent = nil
	return sent
}
