package fbwire

import (
	"reflect"

	"gazpacho/proto"
)

// Request is a request of the library's: its body is not read yet.
type Request struct {
	Method    string
	HandlerID string

	conn   *Conn
	method *method
	id     uint32
	arm    byte
	body   int
	b      []byte
}

// Decode reads the body into a zero value of the method's type.
func (r Request) Decode(into any) *proto.Error {
	if r.method.body == nil || r.arm == 0 {
		return nil // as no body: what is needed is found missing where it is checked
	}
	if r.arm != r.method.arm {
		return &proto.Error{Name: proto.TypeErrorName, Code: proto.CodeBadBody, Message: "body is another method's"}
	}
	return decodeBody(r.method.body, r.method.typ, r.b, r.body, into)
}

// Respond answers, once. It does not block, and encodes before it returns.
func (r Request) Respond(result any, refused *proto.Error) {
	r.conn.respond(r.id, r.Method, result, refused)
}

// decodeBody reads a body into a value of the type that it was compiled for.
func decodeBody(plan *objectDecoder, typ reflect.Type, b []byte, at int, into any) *proto.Error {
	v := reflect.ValueOf(into).Elem()
	if v.Type() != typ {
		return proto.Failed(proto.CodeInternal, "%s is read as %s", typ, v.Type())
	}
	d := decoder{buffer: newBuffer(b)}
	o := d.object(at)
	if d.bad || !plan.decode(&d, &o, v) {
		return d.err()
	}
	return nil
}

// Notification is one of the library's. Payload is nil if the message is damaged.
type Notification struct {
	Event     string
	HandlerID string
	Payload   []byte

	notice *notice
	arm    byte
	body   int
	b      []byte
}

func (n *Notification) findPayload() {
	if n.arm != n.notice.arm {
		return
	}
	buf := newBuffer(n.b)
	o := buf.object(n.body)
	if at := buf.slot(&o, n.notice.payload, 4); at != 0 {
		if b := buf.bytes(at); !buf.bad {
			n.Payload = b
		}
	}
}

// Size is how many bytes it takes while it waits, besides its payload.
func (n Notification) Size() int { return len(n.b) - len(n.Payload) }

// Decode reads what stands beside the payload.
func (n Notification) Decode(into any) *proto.Error {
	if n.notice.meta == nil {
		return nil
	}
	return decodeBody(n.notice.meta, n.notice.typ, n.b, n.body, into)
}
