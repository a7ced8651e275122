package fbwire

import (
	"fmt"
	"reflect"

	"gazpacho/proto"
)

// decoder reads one message. What is wrong with it is noted where it is found; the path grows on the way out.
type decoder struct {
	buffer
	why  string // empty: a bad offset
	path string
}

// refuse notes what is wrong, and returns false.
func (d *decoder) refuse(format string, args ...any) bool {
	d.why = fmt.Sprintf(format, args...)
	return false
}

// in adds the name of what contains the fault, and returns false.
func (d *decoder) in(name string) bool {
	switch {
	case d.path == "":
		d.path = name
	case d.path[0] == '[':
		d.path = name + d.path
	default:
		d.path = name + "." + d.path
	}
	return false
}

// err is what the sender is told.
func (d *decoder) err() *proto.Error {
	if d.why == "" {
		return &proto.Error{Name: proto.TypeErrorName, Code: proto.CodeBadBody, Message: "body is damaged", Path: d.path}
	}
	return &proto.Error{Name: proto.TypeErrorName, Code: proto.CodeBadField, Message: d.why, Path: d.path}
}

// valueDecoder reads a value at pos into v, and tells whether all was well.
type valueDecoder func(d *decoder, pos int, v reflect.Value) bool

// fieldDecoder reads a field of a table into a struct.
type fieldDecoder func(d *decoder, o *object, v reflect.Value) bool

// objectDecoder reads a table into a struct.
type objectDecoder struct {
	fields []fieldDecoder
	done   func(c *Codec, v any)
	codec  *Codec
}

func (t *objectDecoder) decode(d *decoder, o *object, v reflect.Value) bool {
	for _, f := range t.fields {
		if !f(d, o, v) {
			return false
		}
	}
	if t.done != nil {
		t.done(t.codec, v.Addr().Interface())
	}
	return !d.bad
}

// decodeTable compiles the reading of a table.
func (c *compiler) decodeTable(t *Table, typ reflect.Type) (*objectDecoder, error) {
	key := pair{table: t, typ: typ}
	if known := c.decoders[key]; known != nil {
		return known, nil
	}
	plan := &objectDecoder{codec: c.codec, done: decoded[typ]}
	c.decoders[key] = plan
	fields := goFields(typ)
	for _, f := range t.Fields {
		list := targets(t, f, fields)
		if len(list) == 0 && isInlined(t, f) {
			if err := c.decodeInlined(plan, t, f, typ); err != nil {
				return nil, err
			}
		}
		for _, g := range list {
			if err := c.decodeField(plan, t, f, g); err != nil {
				return nil, err
			}
		}
	}
	return plan, nil
}

func (c *compiler) decodeField(plan *objectDecoder, t *Table, f *Field, g goField) error {
	read, err := c.decodeValue(f.Type, g.typ)
	if err != nil {
		return fmt.Errorf("%s.%s: %w", t.Name, f.Name, err)
	}
	if f.Type.Kind.scalar() {
		return c.decodeScalarField(plan, f, g, read)
	}
	slot, key, required := f.Slot, g.key, f.Required
	plan.fields = append(plan.fields, func(d *decoder, o *object, v reflect.Value) bool {
		pos := d.slot(o, slot, 4)
		switch {
		case d.bad:
			return d.in(key)
		case pos != 0:
			return read(d, pos, g.of(v)) || d.in(key)
		case required:
			d.refuse("is missing")
			return d.in(key)
		}
		return true
	})
	return nil
}

// decodeScalarField reads a scalar, or its default if it is absent. One that is optional then stays as it is.
func (c *compiler) decodeScalarField(plan *objectDecoder, f *Field, g goField, read valueDecoder) error {
	bits, number, err := defaultBits(f)
	if err != nil {
		return err
	}
	set, err := c.setScalar(f.Type, g.typ)
	if err != nil {
		return err
	}
	slot, size, key, optional := f.Slot, f.Type.Kind.size(), g.key, f.Optional
	plan.fields = append(plan.fields, func(d *decoder, o *object, v reflect.Value) bool {
		pos := d.slot(o, slot, size)
		switch {
		case d.bad:
			return d.in(key)
		case pos != 0:
			return read(d, pos, g.of(v)) || d.in(key)
		case optional:
			return true
		}
		return set(d, bits, number, g.of(v)) || d.in(key)
	})
	return nil
}

// decodeInlined reads a table within a table, or that of a union's arms which is there, into the same struct.
func (c *compiler) decodeInlined(plan *objectDecoder, t *Table, f *Field, typ reflect.Type) error {
	var arms [256]*objectDecoder
	union := f.Type.Kind == UnionRef
	if union {
		for _, arm := range f.Type.Enum.Values {
			if arm.Table == nil {
				continue
			}
			one, err := c.decodeTable(arm.Table, typ)
			if err != nil {
				return err
			}
			arms[byte(arm.Number)] = one
		}
	} else {
		one, err := c.decodeTable(f.Type.Table, typ)
		if err != nil {
			return err
		}
		arms[1] = one
	}
	slot, name, required := f.Slot, f.Name, f.Required
	plan.fields = append(plan.fields, func(d *decoder, o *object, v reflect.Value) bool {
		pos := d.slot(o, slot, 4)
		if pos == 0 {
			if required && !d.bad {
				d.refuse("%s is missing", name)
			}
			return !required && !d.bad
		}
		arm := uint64(1)
		if union {
			arm = 0
			if at := d.slot(o, slot-1, 1); at != 0 {
				arm = d.integer(at, Uint8)
			}
		}
		if arms[byte(arm)] == nil {
			return d.refuse("%s has no arm %d", name, arm)
		}
		inner := d.object(pos)
		return !d.bad && arms[byte(arm)].decode(d, &inner, v)
	})
	return nil
}
