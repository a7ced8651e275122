package fbwire

import (
	"reflect"

	flatbuffers "github.com/google/flatbuffers/go"

	"gazpacho/proto"
)

// envelope is where the parts of every message are.
type envelope struct {
	data                                  int // of the message: slot of what it is
	request, response, notification, log  byte
	messageSlots, responseSlots, logSlots int
	noticeSlots                           int

	requestID, requestMethod, requestHandler, requestBody                     int
	responseID, responseAccepted, responseBody, responseError, responseReason int
	noticeHandler, noticeEvent, noticeBody                                    int
	logData                                                                   int

	methods, events                             *Enum
	requestBodies, responseBodies, noticeBodies *Enum
}

// find takes the places from a schema.
func (e *envelope) find(s *Schema) error {
	message := s.Tables[root+"Message.Message"]
	if message == nil {
		return missing("there is no table %sMessage.Message", root)
	}
	data := message.field("data")
	if data == nil || data.Type.Kind != UnionRef {
		return missing("%s has no union called data", message.Name)
	}
	e.data, e.messageSlots = data.Slot, message.Slots
	var tables [4]*Table
	for i, arm := range []struct {
		name string
		to   *byte
	}{{"Request", &e.request}, {"Response", &e.response}, {"Notification", &e.notification}, {"Log", &e.log}} {
		v := data.Type.Enum.arm(arm.name)
		if v == nil || v.Table == nil {
			return missing("%s has no arm %s", data.Type.Enum.Name, arm.name)
		}
		*arm.to, tables[i] = byte(v.Number), v.Table
	}
	e.responseSlots, e.noticeSlots, e.logSlots = tables[1].Slots, tables[2].Slots, tables[3].Slots
	return e.fields(&tables)
}

// fields takes the places of what is in the messages of each kind.
func (e *envelope) fields(tables *[4]*Table) error {
	for _, f := range []struct {
		table *Table
		name  string
		kind  Kind
		slot  *int
		enum  **Enum
	}{
		{tables[0], "id", Uint32, &e.requestID, nil},
		{tables[0], "method", Uint8, &e.requestMethod, &e.methods},
		{tables[0], "handler_id", String, &e.requestHandler, nil},
		{tables[0], "body", UnionRef, &e.requestBody, &e.requestBodies},
		{tables[1], "id", Uint32, &e.responseID, nil},
		{tables[1], "accepted", Bool, &e.responseAccepted, nil},
		{tables[1], "body", UnionRef, &e.responseBody, &e.responseBodies},
		{tables[1], "error", String, &e.responseError, nil},
		{tables[1], "reason", String, &e.responseReason, nil},
		{tables[2], "handler_id", String, &e.noticeHandler, nil},
		{tables[2], "event", Uint8, &e.noticeEvent, &e.events},
		{tables[2], "body", UnionRef, &e.noticeBody, &e.noticeBodies},
		{tables[3], "data", String, &e.logData, nil},
	} {
		field := f.table.field(f.name)
		if field == nil || field.Type.Kind != f.kind || f.enum != nil && field.Type.Enum == nil {
			return missing("%s has no %s of its type", f.table.Name, f.name)
		}
		*f.slot = field.Slot
		if f.enum != nil {
			*f.enum = field.Type.Enum
		}
	}
	return nil
}

// incoming is a message of the library's: a request, or a notification.
type incoming struct {
	request   bool
	id        uint32
	number    byte // of the method or the event
	handlerID string
	arm       byte // of the body; 0 is none
	body      int  // where its offset is
}

// read reads the envelope of a message.
func (e *envelope) read(b []byte) (m incoming, ok bool) {
	buf := newBuffer(b)
	message := buf.object(0)
	kind, at := buf.slot(&message, e.data-1, 1), buf.slot(&message, e.data, 4)
	if buf.bad || kind == 0 || at == 0 {
		return m, false
	}
	o := buf.object(at)
	var id, number, handler, body int
	switch byte(buf.integer(kind, Uint8)) {
	case e.request:
		m.request = true
		id, number = buf.slot(&o, e.requestID, 4), buf.slot(&o, e.requestMethod, 1)
		handler, body = e.requestHandler, e.requestBody
	case e.notification:
		number = buf.slot(&o, e.noticeEvent, 1)
		handler, body = e.noticeHandler, e.noticeBody
	default:
		return m, false
	}
	if id != 0 {
		m.id = uint32(buf.integer(id, Uint32))
	}
	if number != 0 {
		m.number = byte(buf.integer(number, Uint8))
	}
	// Libraries before 3.19.4 leave out an empty one.
	if pos := buf.slot(&o, handler, 4); pos != 0 {
		m.handlerID = string(buf.bytes(pos))
	}
	if pos := buf.slot(&o, body-1, 1); pos != 0 {
		m.arm = byte(buf.integer(pos, Uint8))
	}
	if m.body = buf.slot(&o, body, 4); m.body == 0 {
		m.arm = 0
	}
	return m, !buf.bad
}

// finish ends a message that holds what is at off in the arm of its kind.
func (e *envelope) finish(b *flatbuffers.Builder, arm byte, off flatbuffers.UOffsetT) {
	b.StartObject(e.messageSlots)
	b.PrependUOffsetTSlot(e.data, off, 0)
	b.PrependByteSlot(e.data-1, arm, 0)
	b.FinishSizePrefixed(b.EndObject())
}

func (e *encoder) reset() {
	e.b.Reset()
	e.offsets, e.arms, e.wrong, e.payload = e.offsets[:0], e.arms[:0], "", nil
}

// response writes an answer: an error, or a result for which the schema may have a body.
func (c *Codec) response(e *encoder, id uint32, name string, result any, refused *proto.Error) {
	e.reset()
	env := &c.envelope
	if refused == nil && result != nil {
		arm, off := c.result(e, name, result)
		if e.wrong == "" {
			c.accepted(e.b, id, arm, off)
			return
		}
		refused = proto.Failed(proto.CodeInternal, "the result: %s", e.wrong)
		e.reset()
	}
	if refused == nil {
		c.accepted(e.b, id, 0, 0)
		return
	}
	text := refused.Message
	if refused.Path != "" {
		text += " (" + refused.Path + ")"
	}
	class, reason := e.b.CreateString(refused.Name), e.b.CreateString(text+" [method:"+name+"]")
	e.b.StartObject(env.responseSlots)
	e.b.PrependUOffsetTSlot(env.responseReason, reason, 0)
	e.b.PrependUOffsetTSlot(env.responseError, class, 0)
	e.b.PrependUint32Slot(env.responseID, id, 0)
	env.finish(e.b, env.response, e.b.EndObject())
}

// result writes the body of an answer, if the schema has one for it.
func (c *Codec) result(e *encoder, name string, result any) (arm byte, off flatbuffers.UOffsetT) {
	m := c.answers[name]
	if m == nil || len(m.results) == 0 {
		return 0, 0
	}
	v := reflect.ValueOf(result)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	a, ok := m.results[v.Type()]
	if !ok {
		e.fail("is of type %s", v.Type())
		return 0, 0
	}
	return a.arm, a.encode(e, v)
}

func (c *Codec) accepted(b *flatbuffers.Builder, id uint32, arm byte, body flatbuffers.UOffsetT) {
	env := &c.envelope
	b.StartObject(env.responseSlots)
	b.PrependUOffsetTSlot(env.responseBody, body, 0)
	b.PrependUint32Slot(env.responseID, id, 0)
	b.PrependByteSlot(env.responseBody-1, arm, 0)
	b.PrependBoolSlot(env.responseAccepted, true, false)
	env.finish(b, env.response, b.EndObject())
}

// event writes an event. It tells whether there is one of that name; what is wrong with its body is in e.
func (c *Codec) event(e *encoder, target, name string, body any, payload []byte) (known bool) {
	ev := c.events[name]
	if ev == nil {
		return false
	}
	e.reset()
	e.payload = payload
	off := flatbuffers.UOffsetT(0)
	if ev.encode != nil {
		if body == nil {
			body = struct{}{}
		}
		v := reflect.ValueOf(body)
		if v.Type() != ev.typ {
			e.fail("%s is not the body of %s", v.Type(), name)
			return true
		}
		off = ev.encode(e, v)
	}
	c.notification(e.b, target, ev.number, ev.arm, off)
	return true
}

func (c *Codec) notification(b *flatbuffers.Builder, target string, number, arm byte, body flatbuffers.UOffsetT) {
	env := &c.envelope
	handler := b.CreateString(target)
	b.StartObject(env.noticeSlots)
	b.PrependUOffsetTSlot(env.noticeBody, body, 0)
	b.PrependUOffsetTSlot(env.noticeHandler, handler, 0)
	b.PrependByteSlot(env.noticeEvent, number, 0)
	if body != 0 {
		b.PrependByteSlot(env.noticeBody-1, arm, 0)
	}
	env.finish(b, env.notification, b.EndObject())
}

// log writes a line of the log.
func (c *Codec) log(b *flatbuffers.Builder, text string) {
	data := b.CreateString(text)
	b.StartObject(c.envelope.logSlots)
	b.PrependUOffsetTSlot(c.envelope.logData, data, 0)
	c.envelope.finish(b, c.envelope.log, b.EndObject())
}
