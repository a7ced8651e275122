package ortc

import "gazpacho/proto"

// maxStreamID is the last of 65,535 streams; 65535 itself is reserved (RFC 8832 section 6).
const maxStreamID = 65_534

// ValidateSCTPStreamParameters checks a stream and fills in whether it is ordered: it is, unless it says otherwise or says what makes
// it unreliable. Unlike mediasoup it takes a limit of 0 for a limit. Errors are TypeErrors.
func ValidateSCTPStreamParameters(p *proto.SCTPStreamParameters) *proto.Error {
	unreliable := p.MaxPacketLifeTime != nil || p.MaxRetransmits != nil
	switch {
	case p.StreamID > maxStreamID:
		return proto.BadField("streamId", "%d is over %d", p.StreamID, maxStreamID)
	case p.MaxPacketLifeTime != nil && p.MaxRetransmits != nil:
		return proto.BadField("maxRetransmits", "excludes maxPacketLifeTime")
	case unreliable && p.Ordered != nil && *p.Ordered:
		return proto.BadField("ordered", "excludes maxPacketLifeTime and maxRetransmits")
	}
	if p.Ordered == nil {
		ordered := !unreliable
		p.Ordered = &ordered
	}
	return nil
}

// DecodeSCTPStreamParameters reads a stream from JSON and validates it. Errors are TypeErrors.
func DecodeSCTPStreamParameters(data []byte) (proto.SCTPStreamParameters, *proto.Error) {
	var p proto.SCTPStreamParameters
	var present struct {
		StreamID *uint16 `json:"streamId"`
	}
	if err := decode(data, &present); err != nil {
		return p, err
	}
	if present.StreamID == nil {
		return p, proto.BadField("streamId", "missing streamId")
	}
	if err := decode(data, &p); err != nil {
		return p, err
	}
	if err := ValidateSCTPStreamParameters(&p); err != nil {
		return proto.SCTPStreamParameters{}, err
	}
	return p, nil
}

// DataConsumerOptions are what a data consumer wants otherwise than its data producer.
type DataConsumerOptions struct {
	Ordered           *bool
	MaxPacketLifeTime *uint16
	MaxRetransmits    *uint16
}

// DataConsumerParameters is the stream of a data consumer: its producer's, changed by what was asked for, with an id of its own. A
// producer without a stream is taken for an ordered one. Errors are TypeErrors.
func DataConsumerParameters(producer *proto.SCTPStreamParameters, streamID uint16, o DataConsumerOptions) (proto.SCTPStreamParameters, *proto.Error) {
	var p proto.SCTPStreamParameters
	if producer != nil {
		p = *producer
	}
	p.StreamID = streamID
	if o.Ordered != nil {
		p.Ordered = o.Ordered
		if *o.Ordered {
			p.MaxPacketLifeTime, p.MaxRetransmits = nil, nil
		}
	}
	if o.Ordered == nil || !*o.Ordered { // of an ordered stream the limits mean nothing
		no := false
		if o.MaxPacketLifeTime != nil {
			p.Ordered, p.MaxPacketLifeTime = &no, o.MaxPacketLifeTime
		}
		if o.MaxRetransmits != nil {
			p.Ordered, p.MaxRetransmits = &no, o.MaxRetransmits
		}
	}
	return p, ValidateSCTPStreamParameters(&p)
}
