package transport

import (
	"maps"
	"slices"
	"strings"

	"gazpacho/pkg/producer"
	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// maxStreams is how many SSRCs a transport learns (R-RTP-3).
const maxStreams = 64

// listener finds the producer of a packet: by SSRC, else by MID, else by RID. A MID or RID only introduces an SSRC, after which the
// SSRC alone is looked up, because senders stop writing the extensions once they are acknowledged.
type listener struct {
	bySSRC map[uint32]*producer.Producer
	byMID  map[string]*producer.Producer
	byRID  map[string]*producer.Producer
}

func newListener() listener {
	return listener{
		bySSRC: make(map[uint32]*producer.Producer),
		byMID:  make(map[string]*producer.Producer),
		byRID:  make(map[string]*producer.Producer),
	}
}

// add claims the SSRCs, MID and RIDs of a producer, or none of them if one is taken.
func (l *listener) add(p *producer.Producer, params *proto.RTPParameters) *proto.Error {
	if err := l.check(params); err != nil {
		return err
	}
	if params.MID != "" {
		l.byMID[params.MID] = p
	}
	for _, e := range params.Encodings {
		if e.SSRC != 0 {
			l.bySSRC[e.SSRC] = p
		}
		if rtx := rtxSSRC(&e); rtx != 0 {
			l.bySSRC[rtx] = p
		}
		// Where there is a MID, a RID is only unique within it.
		if e.RID != "" && params.MID == "" {
			l.byRID[e.RID] = p
		}
	}
	return nil
}

func (l *listener) check(params *proto.RTPParameters) *proto.Error {
	if params.MID != "" && l.byMID[params.MID] != nil {
		return proto.BadField("rtpParameters.mid", "MID %q is already in use on this transport", params.MID)
	}
	known := params.MID != ""
	for i, e := range params.Encodings {
		path := encodingPath(i)
		known = known || e.SSRC != 0 || e.RID != ""
		if err := repeated(params.Encodings[:i], &e, path); err != nil {
			return err
		}
		if e.SSRC != 0 && l.bySSRC[e.SSRC] != nil {
			return proto.BadField(path+".ssrc", "SSRC %d is already in use on this transport", e.SSRC)
		}
		if rtx := rtxSSRC(&e); rtx != 0 && l.bySSRC[rtx] != nil {
			return proto.BadField(path+".rtx.ssrc", "SSRC %d is already in use on this transport", rtx)
		}
		if e.RID != "" && params.MID == "" && l.byRID[e.RID] != nil {
			return proto.BadField(path+".rid", "RID %q is already in use on this transport", e.RID)
		}
	}
	if !known {
		return proto.BadField("rtpParameters.encodings", "a MID, or a SSRC or RID per encoding, is needed to recognise the streams")
	}
	return nil
}

// repeated refuses an encoding that could not be told from one before it, or from its own retransmissions.
func repeated(before []proto.RTPEncodingParameters, e *proto.RTPEncodingParameters, path string) *proto.Error {
	rtx := rtxSSRC(e)
	if rtx != 0 && rtx == e.SSRC {
		return proto.BadField(path+".rtx.ssrc", "SSRC %d is that of the media too", rtx)
	}
	for i := range before {
		b := &before[i]
		switch other := rtxSSRC(b); {
		case e.SSRC != 0 && (e.SSRC == b.SSRC || e.SSRC == other):
			return proto.BadField(path+".ssrc", "SSRC %d is given twice", e.SSRC)
		case rtx != 0 && (rtx == b.SSRC || rtx == other):
			return proto.BadField(path+".rtx.ssrc", "SSRC %d is given twice", rtx)
		case e.RID != "" && e.RID == b.RID:
			return proto.BadField(path+".rid", "RID %q is given twice", e.RID)
		}
	}
	return nil
}

// rtxSSRC is 0 if none is announced.
func rtxSSRC(e *proto.RTPEncodingParameters) uint32 {
	if e.RTX == nil {
		return 0
	}
	return e.RTX.SSRC
}

// remove forgets everything about a producer.
func (l *listener) remove(p *producer.Producer) {
	deleteValue(l.bySSRC, p)
	deleteValue(l.byMID, p)
	deleteValue(l.byRID, p)
}

func deleteValue[K comparable](m map[K]*producer.Producer, p *producer.Producer) {
	maps.DeleteFunc(m, func(_ K, v *producer.Producer) bool { return v == p })
}

// find returns the producer of a packet whose extensions are resolved, and whether its SSRC is still to be learned.
func (l *listener) find(p *rtp.Packet) (found *producer.Producer, learn bool) {
	if found = l.bySSRC[p.SSRC]; found != nil {
		return found, false
	}
	if mid := p.Extension(rtp.ExtMID); mid != nil {
		if found = l.byMID[string(mid)]; found != nil {
			return found, true
		}
	}
	rid := p.Extension(rtp.ExtRID)
	if rid == nil {
		rid = p.Extension(rtp.ExtRepairedRID)
	}
	if rid != nil {
		return l.byRID[string(rid)], true
	}
	return nil, true
}

// learn ties an SSRC to the producer that accepted it.
func (l *listener) learn(ssrc uint32, p *producer.Producer) { l.bySSRC[ssrc] = p }

// full tells whether there is no room for another SSRC, not even in place of those that their producer has replaced by others.
func (l *listener) full() bool {
	if len(l.bySSRC) < maxStreams {
		return false
	}
	maps.DeleteFunc(l.bySSRC, func(ssrc uint32, p *producer.Producer) bool { return !p.Carries(ssrc) })
	return len(l.bySSRC) >= maxStreams
}

func (l *listener) dump() proto.RTPListenerDump {
	d := proto.RTPListenerDump{SSRCTable: []proto.SSRCValue{}, MIDTable: []proto.KeyValue{}, RIDTable: []proto.KeyValue{}}
	for ssrc, p := range l.bySSRC {
		d.SSRCTable = append(d.SSRCTable, proto.SSRCValue{Key: ssrc, Value: p.ID()})
	}
	for mid, p := range l.byMID {
		d.MIDTable = append(d.MIDTable, proto.KeyValue{Key: mid, Value: p.ID()})
	}
	for rid, p := range l.byRID {
		d.RIDTable = append(d.RIDTable, proto.KeyValue{Key: rid, Value: p.ID()})
	}
	slices.SortFunc(d.SSRCTable, func(a, b proto.SSRCValue) int { return int(int64(a.Key) - int64(b.Key)) })
	byKey := func(a, b proto.KeyValue) int { return strings.Compare(a.Key, b.Key) }
	slices.SortFunc(d.MIDTable, byKey)
	slices.SortFunc(d.RIDTable, byKey)
	return d
}
