package fbwire

import (
	"encoding/binary"
	"reflect"
	"strings"
	"testing"
	"time"

	flatbuffers "github.com/google/flatbuffers/go"

	"gazpacho/proto"
)

// requests are a message for every method with a body, and one for every notification, as honest libraries send them; without their lengths.
func requests(c *Codec) (list [][]byte) {
	for number, m := range c.methods {
		if m == nil {
			continue
		}
		g := newGenerator()
		var off flatbuffers.UOffsetT
		if m.body != nil {
			off, _ = g.table(c.envelope.requestBodies.Values[m.arm].Table)
		}
		list = append(list, g.request(c, uint32(number), byte(number), "handler", m.arm, off)[prefix:])
	}
	for number, n := range c.notices {
		if n != nil && !n.closing {
			g := newGenerator()
			off, _ := g.table(c.envelope.noticeBodies.Values[n.arm].Table)
			list = append(list, g.notice(c, byte(number), "handler", n.arm, off)[prefix:])
		}
	}
	return list
}

// take does with a message what a worker does. It returns what it is, and what is wrong with it.
func take(c *Codec, b []byte) (name string, refused *proto.Error) {
	m, ok := c.envelope.read(b)
	switch {
	case !ok:
		return "", &proto.Error{Name: proto.TypeErrorName}
	case m.request:
		known := c.methods[m.number]
		if known == nil {
			return "", &proto.Error{Name: proto.ErrorName}
		}
		r := Request{Method: known.name, method: known, arm: m.arm, body: m.body, b: b}
		if known.typ == nil {
			return known.name, r.Decode(nil)
		}
		return known.name, r.Decode(reflect.New(known.typ).Interface())
	}
	known := c.notices[m.number]
	if known == nil || known.closing {
		return "", nil
	}
	n := Notification{Event: known.name, notice: known, arm: m.arm, body: m.body, b: b}
	n.findPayload()
	if known.typ == nil || n.Payload == nil {
		return known.name, nil
	}
	return known.name, n.Decode(reflect.New(known.typ).Interface())
}

// Honest messages are read; cut anywhere, or with any byte changed, they are read or refused, and never more than that.
func TestDamagedMessages(t *testing.T) {
	c := codecOf(t, latest)
	list := requests(c)
	if len(list) < 60 {
		t.Fatalf("%d messages only", len(list))
	}
	for _, b := range list {
		name, refused := take(c, b)
		if refused != nil {
			t.Errorf("%s: %v", name, refused)
		}
		for n := range b {
			if _, refused := take(c, b[:n:n]); refused != nil && refused.Name == "" {
				t.Fatalf("%s, cut to %d: %+v", name, n, refused)
			}
			for _, flip := range []byte{1, 0x80, 0xff} {
				bad := append([]byte{}, b...)
				bad[n] ^= flip
				if _, refused := take(c, bad); refused != nil && refused.Name == "" {
					t.Fatalf("%s, byte %d: %+v", name, n, refused)
				}
			}
		}
	}
}

// A small message may name the same bytes many times. What it describes is bounded all the same.
func TestAmplification(t *testing.T) {
	c := codecOf(t, latest)
	b := flatbuffers.NewBuilder(1 << 16)
	m := c.answers[proto.TransportProduce]
	produce := c.envelope.requestBodies.Values[m.arm].Table
	params := produce.field("rtp_parameters").Type.Table
	codec := params.field("codecs").Type.Elem.Table
	feedback := codec.field("rtcp_feedback").Type.Elem.Table

	word := b.CreateString(strings.Repeat("x", 1000))
	b.StartObject(feedback.Slots)
	b.PrependUOffsetTSlot(feedback.field("type").Slot, word, 0)
	one := b.EndObject()
	many := func(of flatbuffers.UOffsetT, n int) flatbuffers.UOffsetT {
		list := make([]flatbuffers.UOffsetT, n)
		for i := range list {
			list[i] = of
		}
		return b.CreateVectorOfTables(list)
	}
	list := many(one, 10_000)
	b.StartObject(codec.Slots)
	b.PrependUOffsetTSlot(codec.field("mime_type").Slot, word, 0)
	b.PrependUOffsetTSlot(codec.field("rtcp_feedback").Slot, list, 0)
	codecs := many(b.EndObject(), 10_000) // 10^11 bytes
	b.StartObject(params.Slots)
	b.PrependUOffsetTSlot(params.field("codecs").Slot, codecs, 0)
	parameters := b.EndObject()
	id := b.CreateString("p")
	b.StartObject(produce.Slots)
	b.PrependUOffsetTSlot(produce.field("producer_id").Slot, id, 0)
	b.PrependUOffsetTSlot(produce.field("rtp_parameters").Slot, parameters, 0)
	g := &generator{b: b}
	message := g.request(c, 1, 25, "t", m.arm, b.EndObject())[prefix:]

	began := time.Now()
	name, refused := take(c, message)
	if name != proto.TransportProduce || refused == nil || refused.Code != proto.CodeBadBody {
		t.Errorf("%s: %v", name, refused)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v to refuse %d bytes", took, len(message))
	}
}

// What is well-formed and wrong is refused by the name of its field.
func TestWrongValues(t *testing.T) {
	c := codecOf(t, latest)
	m := c.answers[proto.TransportProduce]
	table := c.envelope.requestBodies.Values[m.arm].Table
	for _, tt := range []struct {
		name, path, says string
		write            func(b *flatbuffers.Builder)
	}{
		{"unknown enum", "kind", "77 is no value of RtpParameters.MediaKind", func(b *flatbuffers.Builder) {
			id := b.CreateString("p")
			b.StartObject(table.Slots)
			b.PrependUOffsetTSlot(table.field("producer_id").Slot, id, 0)
			b.PrependByteSlot(table.field("kind").Slot, 77, 0)
		}},
		{"no UTF-8", "producerId", "is no UTF-8", func(b *flatbuffers.Builder) {
			id := b.CreateString("p\xff")
			b.StartObject(table.Slots)
			b.PrependUOffsetTSlot(table.field("producer_id").Slot, id, 0)
		}},
		{"missing", "producerId", "is missing", func(b *flatbuffers.Builder) { b.StartObject(table.Slots) }},
	} {
		g := newGenerator()
		tt.write(g.b)
		message := g.request(c, 1, 25, "t", m.arm, g.b.EndObject())[prefix:]
		_, refused := take(c, message)
		if refused == nil || refused.Name != proto.TypeErrorName || refused.Path != tt.path || refused.Message != tt.says {
			t.Errorf("%s: %+v", tt.name, refused)
		}
	}
	// A body of another method's, and a method that there is none of.
	g := newGenerator()
	off, _ := g.table(table)
	if _, refused := take(c, g.request(c, 1, 5, "", m.arm, off)[prefix:]); refused == nil || refused.Message != "body is another method's" {
		t.Errorf("another body: %+v", refused)
	}
	if _, refused := take(c, newGenerator().request(c, 1, 200, "", 0, 0)[prefix:]); refused == nil {
		t.Error("method 200 was taken")
	}
}

// An unknown method is answered, and the connection goes on.
func TestUnknownMethodIsAnswered(t *testing.T) {
	l := dial(t, latest, true, echo(t))
	l.running()
	l.write(l.g.request(l.codec, 9, 200, "r", 0, 0))
	l.write(l.g.request(l.codec, 10, l.number(proto.RouterDumpMethod), "r", 0, 0))
	if _, w := l.read(); w["id"] != uint64(9) || w["accepted"] != uint64(0) || w["error"] != "Error" || w["reason"] != "unknown method 200 [method:200]" {
		t.Errorf("answer %v", w)
	}
	if _, w := l.read(); w["id"] != uint64(10) || w["accepted"] != uint64(1) {
		t.Errorf("answer %v", w)
	}
}

// Whatever arrives in a frame is taken or refused.
func FuzzMessage(f *testing.F) {
	codecs := []*Codec{codecOf(f, latest), codecOf(f, "3.14.16")}
	for _, c := range codecs {
		for _, b := range requests(c) {
			f.Add(b)
		}
	}
	f.Add(binary.LittleEndian.AppendUint32(nil, 1<<31))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range codecs {
			if name, refused := take(c, b); refused != nil && (refused.Name == "" || name == "" && refused.Path != "") {
				t.Fatalf("%s: %+v", name, refused)
			}
		}
	})
}
