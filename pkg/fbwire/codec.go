package fbwire

import (
	"fmt"
	"reflect"
	"slices"

	"gazpacho/proto"
)

// Codec reads and writes the messages of one generation of the schema. It does not change once it is compiled.
type Codec struct {
	ports    *proto.PortRange
	envelope envelope

	methods [256]*method
	answers map[string]*method // by our names
	events  map[string]*event  // that a worker sends
	notices [256]*notice       // that a library sends

	running byte
}

// method is a request and its answers.
type method struct {
	name    string
	body    *objectDecoder // nil is none
	arm     byte
	typ     reflect.Type
	results map[reflect.Type]answer
}

// answer is how a result of one type is written.
type answer struct {
	arm    byte
	encode valueEncoder
}

// event is how an event is written.
type event struct {
	number byte
	arm    byte
	typ    reflect.Type
	encode valueEncoder // nil is no body
}

// notice is a notification of the library's.
type notice struct {
	name    string
	closing bool // it asks the worker to end
	arm     byte
	meta    *objectDecoder // nil is none
	typ     reflect.Type
	payload int // slot
}

// Compile maps a schema to the structs of proto. Ports are for those who listen without saying where; nil leaves that to the worker.
func Compile(s *Schema, ports *proto.PortRange) (*Codec, error) {
	c := &Codec{ports: ports, answers: map[string]*method{}, events: map[string]*event{}}
	if err := c.envelope.find(s); err != nil {
		return nil, err
	}
	comp := &compiler{codec: c, decoders: map[pair]*objectDecoder{}, encoders: map[pair]*objectEncoder{}}
	if err := comp.methods(); err != nil {
		return nil, err
	}
	if err := comp.events(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *compiler) methods() error {
	known := make(map[string]*proto.Method, len(proto.Methods))
	for i := range proto.Methods {
		known[plain(proto.Methods[i].Name)] = &proto.Methods[i]
	}
	for _, v := range c.codec.envelope.methods.Values {
		ours := known[methodName(v.Name)]
		if ours == nil {
			continue // it is refused when it comes
		}
		m, err := c.method(ours)
		if err != nil {
			return fmt.Errorf("method %s: %w", v.Name, err)
		}
		c.codec.methods[byte(v.Number)], c.codec.answers[ours.Name] = m, m
	}
	for _, name := range neededMethods {
		if c.codec.answers[name] == nil {
			return missing("there is no method %s", name)
		}
	}
	return nil
}

func (c *compiler) method(ours *proto.Method) (*method, error) {
	m := &method{name: ours.Name, results: map[reflect.Type]answer{}}
	if ours.Request != nil {
		arm := armNamed(c.codec.envelope.requestBodies, requestArm(ours.Name))
		if arm == nil {
			return nil, missing("there is no body for it")
		}
		m.arm, m.typ = byte(arm.Number), reflect.TypeOf(ours.Request)
		if err := needs(arm.Table, m.typ); err != nil {
			return nil, err
		}
		var err error
		if m.body, err = c.decodeTable(arm.Table, m.typ); err != nil {
			return nil, err
		}
	}
	results := []any{ours.Response}
	for _, other := range ours.Others {
		results = append(results, other.Response)
	}
	for _, result := range results {
		if result == nil {
			continue
		}
		typ := reflect.TypeOf(result)
		arm := armNamed(c.codec.envelope.responseBodies, responseArms(ours, typ)...)
		if arm == nil {
			if unanswered[ours.Name] {
				continue
			}
			return nil, missing("there is no body for its answer, %s", typ)
		}
		encode, err := c.encodeRoot(arm.Table, typ)
		if err != nil {
			return nil, err
		}
		m.results[typ] = answer{byte(arm.Number), encode}
	}
	return m, nil
}

func (c *compiler) events() error {
	codec := c.codec
	running := false
	for _, v := range codec.envelope.events.Values {
		name := plain(v.Name)
		switch {
		case v.Name == runningEvent:
			codec.running, running = byte(v.Number), true
			continue
		case v.Name == closeEvent:
			codec.notices[byte(v.Number)] = &notice{name: v.Name, closing: true}
			continue
		}
		if i := slices.IndexFunc(proto.Notifications, func(n proto.NotificationType) bool { return plain(n.Name) == name }); i >= 0 {
			n, err := c.notice(&proto.Notifications[i])
			if err != nil {
				return fmt.Errorf("notification %s: %w", v.Name, err)
			}
			codec.notices[byte(v.Number)] = n
		}
		if i := slices.IndexFunc(proto.Events, func(e proto.EventType) bool { return plain(e.Name) == name }); i >= 0 {
			e, err := c.event(&proto.Events[i])
			if err != nil {
				return fmt.Errorf("event %s: %w", v.Name, err)
			}
			e.number = byte(v.Number)
			codec.events[proto.Events[i].Name] = e
		}
	}
	for _, name := range neededEvents {
		if codec.events[name] == nil {
			return missing("there is no event %s", name)
		}
	}
	for _, n := range proto.Notifications {
		if !slices.ContainsFunc(codec.notices[:], func(known *notice) bool { return known != nil && known.name == n.Name }) {
			return missing("there is no notification %s", n.Name)
		}
	}
	if !running {
		return missing("there is no event %s", runningEvent)
	}
	return nil
}

// payloadField finds the bytes of a binary notification.
func payloadField(t *Table) (*Field, error) {
	f := t.field("data")
	if f == nil || f.Type.Kind != Vector || f.Type.Elem.Kind != Uint8 {
		return nil, missing("%s has no bytes called data", t.Name)
	}
	return f, nil
}

func (c *compiler) notice(ours *proto.NotificationType) (*notice, error) {
	arm := armNamed(c.codec.envelope.noticeBodies, plain(ours.Name)+"notification")
	if arm == nil {
		return nil, missing("there is no body for it")
	}
	payload, err := payloadField(arm.Table)
	if err != nil {
		return nil, err
	}
	n := &notice{name: ours.Name, arm: byte(arm.Number), payload: payload.Slot}
	if ours.Meta != nil {
		n.typ = reflect.TypeOf(ours.Meta)
		if n.meta, err = c.decodeTable(arm.Table, n.typ); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (c *compiler) event(ours *proto.EventType) (*event, error) {
	e := &event{}
	if ours.Body == nil && ours.Payload == "" {
		return e, nil
	}
	arm := armNamed(c.codec.envelope.noticeBodies, plain(ours.Name)+"notification")
	if arm == nil {
		return nil, missing("there is no body for it")
	}
	e.arm = byte(arm.Number)
	body := ours.Body
	if body == nil {
		body = struct{}{}
	}
	e.typ = reflect.TypeOf(body)
	if ours.Payload == "" {
		var err error
		e.encode, err = c.encodeRoot(arm.Table, e.typ)
		return e, err
	}
	payload, err := payloadField(arm.Table)
	if err != nil {
		return nil, err
	}
	plan, err := c.encodeTable(arm.Table, e.typ, "")
	if err != nil {
		return nil, err
	}
	e.encode = plan.withPayload(payload.Slot).encode
	return e, nil
}
