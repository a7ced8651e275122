package fbwire

import (
	"fmt"
	"reflect"

	flatbuffers "github.com/google/flatbuffers/go"

	"gazpacho/proto"
)

// encoder writes one message, from its leaves to its root.
type encoder struct {
	b       *flatbuffers.Builder
	offsets []flatbuffers.UOffsetT // of parts that wait for the table or vector they are in
	arms    []byte                 // beside them, of unions
	payload []byte                 // of a binary notification
	wrong   string
}

// fail notes that a value has no place on the wire.
func (e *encoder) fail(format string, args ...any) {
	if e.wrong == "" {
		e.wrong = fmt.Sprintf(format, args...)
	}
}

// vector makes a vector of what waits from base on.
func (e *encoder) vector(base int) flatbuffers.UOffsetT {
	v := e.b.CreateVectorOfTables(e.offsets[base:])
	e.offsets = e.offsets[:base]
	return v
}

// A fieldEncoder writes a field of a struct. What a table only refers to is written before it, by child; what is in it, by put.
type fieldEncoder struct {
	slot  int
	child func(e *encoder, v reflect.Value) flatbuffers.UOffsetT
	union func(e *encoder, v reflect.Value) (byte, flatbuffers.UOffsetT)
	put   func(e *encoder, v reflect.Value)
}

// objectEncoder writes a struct as a table.
type objectEncoder struct {
	slots  int
	fields []fieldEncoder
}

func (t *objectEncoder) encode(e *encoder, v reflect.Value) flatbuffers.UOffsetT {
	base, arm := len(e.offsets), len(e.arms)
	for i := range t.fields {
		switch f := &t.fields[i]; {
		case f.child != nil:
			e.offsets = append(e.offsets, f.child(e, v))
		case f.union != nil:
			number, off := f.union(e, v)
			e.offsets, e.arms = append(e.offsets, off), append(e.arms, number)
		}
	}
	next, nextArm := base, arm
	e.b.StartObject(t.slots)
	for i := range t.fields {
		f := &t.fields[i]
		if f.put != nil {
			f.put(e, v)
			continue
		}
		e.b.PrependUOffsetTSlot(f.slot, e.offsets[next], 0)
		next++
		if f.union != nil {
			e.b.PrependByteSlot(f.slot-1, e.arms[nextArm], 0)
			nextArm++
		}
	}
	e.offsets, e.arms = e.offsets[:base], e.arms[:arm]
	return e.b.EndObject()
}

// encodeTable compiles the writing of a table.
func (c *compiler) encodeTable(t *Table, typ reflect.Type, arm string) (*objectEncoder, error) {
	key := pair{t, typ, arm}
	if known := c.encoders[key]; known != nil {
		return known, nil
	}
	plan := &objectEncoder{slots: t.Slots}
	c.encoders[key] = plan
	fields := goFields(typ)
	for _, f := range t.Fields {
		one, err := c.encodeField(t, f, typ, fields, arm)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t.Name, f.Name, err)
		}
		if one != nil {
			one.slot = f.Slot
			plan.fields = append(plan.fields, *one)
		}
	}
	return plan, nil
}

// encodeField compiles the writing of a field; nil leaves it out.
func (c *compiler) encodeField(t *Table, f *Field, typ reflect.Type, fields map[string]goField, arm string) (*fieldEncoder, error) {
	list := targets(t, f, fields)
	switch {
	case len(list) == 0 && isInlined(t, f):
		return c.encodeInlined(f, typ, arm)
	case len(list) == 0:
		return c.encodeUnknown(f)
	case f.Type.Kind == UnionRef && typ == reflect.TypeFor[proto.TraceEvent]():
		return c.encodeTraceInfo(f)
	case f.Type.Kind.scalar():
		return encodeScalarField(f, list[0])
	}
	g := list[0]
	write, err := c.encodeValue(f.Type, g.typ)
	if err != nil {
		return nil, err
	}
	if beside, ok := fields[plain(presentBeside[short(t.Name)+"."+f.Name])]; ok {
		inner, zero := write, reflect.New(g.typ.Elem())
		return &fieldEncoder{child: func(e *encoder, v reflect.Value) flatbuffers.UOffsetT {
			switch own := g.of(v); {
			case !own.IsNil():
				return inner(e, own)
			case !beside.of(v).IsNil():
				return inner(e, zero)
			}
			return 0
		}}, nil
	}
	instead, always := alwaysPresent[short(t.Name)+"."+f.Name]
	required, kind := f.Required, f.Type.Kind
	return &fieldEncoder{child: func(e *encoder, v reflect.Value) flatbuffers.UOffsetT {
		v = g.of(v)
		if empty(v) {
			switch {
			case always:
				return e.b.CreateString(instead)
			case !required:
				return 0
			case v.Kind() == reflect.Pointer && kind == Vector:
				e.b.StartVector(4, 0, 4)
				return e.b.EndVector(0)
			case v.Kind() == reflect.Pointer:
				e.fail("%s is missing", g.key)
				return 0
			}
		}
		return write(e, v)
	}}, nil
}

// empty tells whether a value need not be written.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		return v.Len() == 0
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return v.IsNil()
	}
	return false
}

// encodeUnknown compiles what stands for a field we know nothing of: nothing, or, if it is required, no elements. Anything else would be a guess.
func (c *compiler) encodeUnknown(f *Field) (*fieldEncoder, error) {
	if !f.Required {
		return nil, nil
	}
	if f.Type.Kind != Vector {
		return nil, missing("is required, and unknown to this worker")
	}
	size := f.Type.Elem.Kind.size()
	return &fieldEncoder{child: func(e *encoder, _ reflect.Value) flatbuffers.UOffsetT {
		e.b.StartVector(size, 0, size)
		return e.b.EndVector(0)
	}}, nil
}

// encodeInlined compiles the writing of a struct's fields into a table within its table, or into the arm of a union.
func (c *compiler) encodeInlined(f *Field, typ reflect.Type, chosen string) (*fieldEncoder, error) {
	if f.Type.Kind == TableRef {
		// Statistics contain themselves: the inner ones are the base of the outer.
		arm := ""
		if base := "BaseStats"; f.Type.Table.field("data") != nil && f.Name == "base" {
			arm = base
		}
		inner, err := c.encodeTable(f.Type.Table, typ, arm)
		if err != nil {
			return nil, err
		}
		return &fieldEncoder{child: inner.encode}, nil
	}
	union := f.Type.Enum
	arms := map[string]*objectEncoder{}
	numbers := map[string]byte{}
	for _, v := range union.Values {
		if v.Table == nil || chosen != "" && v.Name != chosen {
			continue
		}
		inner, err := c.encodeTable(v.Table, typ, "")
		if err != nil {
			return nil, err
		}
		arms[v.Name], numbers[v.Name] = inner, byte(v.Number)
	}
	return &fieldEncoder{union: func(e *encoder, v reflect.Value) (byte, flatbuffers.UOffsetT) {
		name := chosen
		if name == "" {
			name = armOf(union.Name, v)
		}
		if arms[name] == nil {
			e.fail("%s has no arm %s", union.Name, name)
			return 0, 0
		}
		return numbers[name], arms[name].encode(e, v)
	}}, nil
}

// withPayload returns a plan that writes the encoder's payload at a slot, besides what t writes.
func (t *objectEncoder) withPayload(slot int) *objectEncoder {
	plan := &objectEncoder{slots: t.slots}
	for _, f := range t.fields {
		if f.slot != slot {
			plan.fields = append(plan.fields, f)
		}
	}
	plan.fields = append(plan.fields, fieldEncoder{slot: slot, child: func(e *encoder, _ reflect.Value) flatbuffers.UOffsetT {
		return e.b.CreateByteVector(e.payload)
	}})
	return plan
}
