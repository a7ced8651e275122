package data

import (
	"encoding/binary"
	"slices"
)

// How what a message says of subchannels travels on a pipe, in front of it and in network order, as mediasoup's routers exchange it:
//
//	token, 8 bytes: its last bit but one tells that there is a required, its last that there is an ignored subchannel
//	count, 2 bytes, and as many subchannels of 2 bytes
//	required subchannel, ignored subchannel, 2 bytes each, if there are such
//
// The token begins with a byte that no text does.
const (
	token        = 0xa5f09cb3d6e1f28c
	hasRequired  = 2
	hasIgnored   = 1
	leastWrapped = 8 + 2
)

// wrap returns the payload of a message with its subchannels in front. Of those the consumer tells only what it is subscribed to: more would
// reach consumers elsewhere that the pipe is not for.
func (c *Consumer) wrap(m *Message) []byte {
	list := m.Subchannels
	if len(c.subchannels) > 0 {
		list = slices.DeleteFunc(slices.Clone(list), func(s uint16) bool { return !c.subscribed(s) })
	}
	return Wrap(list, m.Required, m.Ignored, m.Payload)
}

// Wrap puts subchannels in front of a payload, unless there is nothing to say.
func Wrap(subchannels []uint16, required, ignored *uint16, payload []byte) []byte {
	if len(subchannels) == 0 && required == nil && ignored == nil {
		return payload
	}
	subchannels = subchannels[:min(len(subchannels), 0xffff)]
	head := uint64(token)
	if required != nil {
		head |= hasRequired
	}
	if ignored != nil {
		head |= hasIgnored
	}
	b := make([]byte, 0, leastWrapped+2*len(subchannels)+4+len(payload))
	b = binary.BigEndian.AppendUint64(b, head)
	b = binary.BigEndian.AppendUint16(b, uint16(len(subchannels)))
	for _, s := range subchannels {
		b = binary.BigEndian.AppendUint16(b, s)
	}
	for _, s := range []*uint16{required, ignored} {
		if s != nil {
			b = binary.BigEndian.AppendUint16(b, *s)
		}
	}
	return append(b, payload...)
}

// Unwrap makes a message of what came on a pipe. What does not begin with the token, or is too short for what it announces, is a payload as it is.
func Unwrap(ppid uint32, b []byte) Message {
	m := Message{PPID: ppid, Payload: b}
	if len(b) < leastWrapped || binary.BigEndian.Uint64(b)&^(hasRequired|hasIgnored) != token {
		return m
	}
	flags, count, rest := b[7], int(binary.BigEndian.Uint16(b[8:])), b[leastWrapped:]
	need := count + int(flags&hasRequired)/hasRequired + int(flags&hasIgnored)
	if len(rest) < 2*need {
		return m
	}
	next := func() uint16 {
		s := binary.BigEndian.Uint16(rest)
		rest = rest[2:]
		return s
	}
	for range count {
		m.Subchannels = append(m.Subchannels, next())
	}
	if flags&hasRequired != 0 {
		s := next()
		m.Required = &s
	}
	if flags&hasIgnored != 0 {
		s := next()
		m.Ignored = &s
	}
	m.Payload = rest
	return m
}
