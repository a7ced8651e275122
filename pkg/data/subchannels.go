package data

import "slices"

// Subchannels returns what the consumer is subscribed to, in order. The caller must not change it.
func (c *Consumer) Subchannels() []uint16 { return c.subchannels }

// SetSubchannels replaces the subscriptions.
func (c *Consumer) SetSubchannels(list []uint16) {
	list = append([]uint16{}, list...)
	slices.Sort(list)
	c.subchannels = slices.Compact(list)
}

// AddSubchannel subscribes to one more.
func (c *Consumer) AddSubchannel(s uint16) {
	if i, found := slices.BinarySearch(c.subchannels, s); !found {
		c.subchannels = slices.Insert(c.subchannels, i, s)
	}
}

// RemoveSubchannel ends a subscription.
func (c *Consumer) RemoveSubchannel(s uint16) {
	if i, found := slices.BinarySearch(c.subchannels, s); found {
		c.subchannels = slices.Delete(c.subchannels, i, i+1)
	}
}

func (c *Consumer) subscribed(s uint16) bool {
	_, found := slices.BinarySearch(c.subchannels, s)
	return found
}

// wants tells whether a message is for this consumer. A pipe that is subscribed to nothing takes everything: who is subscribed is at its other end.
func (c *Consumer) wants(m *Message) bool {
	switch {
	case c.cfg.Pipe && len(c.subchannels) == 0:
		return true
	case m.Required != nil && !c.subscribed(*m.Required):
		return false
	case m.Ignored != nil && !c.cfg.Pipe && c.subscribed(*m.Ignored):
		return false
	case len(m.Subchannels) == 0:
		return true
	}
	return slices.ContainsFunc(m.Subchannels, c.subscribed)
}
