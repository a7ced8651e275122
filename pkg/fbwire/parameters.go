package fbwire

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"

	flatbuffers "github.com/google/flatbuffers/go"

	"gazpacho/proto"
)

// parameterPlan is how parameters of codecs are written: a list of names with values, each in an arm of a union by its type.
type parameterPlan struct {
	name, value            *Field
	boolean, integer, real parameterArm
	text, list             parameterArm
	slots                  int
}

// parameterArm is one type of values. Every arm is a table with the one field value.
type parameterArm struct {
	number byte
	value  *Field
	slots  int
}

func (c *compiler) parameters(t Type) (*parameterPlan, error) {
	if t.Kind != Vector || t.Elem.Kind != TableRef {
		return nil, missing("is no list of parameters")
	}
	table := t.Elem.Table
	p := &parameterPlan{name: table.field("name"), value: table.field("value"), slots: table.Slots}
	if p.name == nil || p.value == nil || p.name.Type.Kind != String || p.value.Type.Kind != UnionRef {
		return nil, missing("%s has no name and value", table.Name)
	}
	for _, arm := range []struct {
		name string
		kind Kind
		to   *parameterArm
	}{
		{"Boolean", Uint8, &p.boolean},
		{"Integer32", Int32, &p.integer},
		{"Double", Float64, &p.real},
		{"String", String, &p.text},
		{"Integer32Array", Vector, &p.list},
	} {
		v := p.value.Type.Enum.arm(arm.name)
		if v == nil || v.Table == nil || v.Table.field("value") == nil || v.Table.field("value").Type.Kind != arm.kind {
			return nil, missing("%s has no arm %s", p.value.Type.Enum.Name, arm.name)
		}
		*arm.to = parameterArm{number: byte(v.Number), value: v.Table.field("value"), slots: v.Table.Slots}
	}
	return p, nil
}

// decodeParameters compiles the reading of codec parameters.
func (c *compiler) decodeParameters(t Type) (valueDecoder, error) {
	p, err := c.parameters(t)
	if err != nil {
		return nil, err
	}
	return func(d *decoder, pos int, v reflect.Value) bool {
		at, n := d.vector(pos, 4)
		if d.bad {
			return false
		}
		m := make(proto.CodecParameters, n)
		for i := range n {
			o := d.object(at + 4*i)
			name := d.slot(&o, p.name.Slot, 4)
			if name == 0 {
				return d.refuse("a parameter has no name")
			}
			key := string(d.bytes(name))
			value, ok := p.read(d, &o)
			if !ok {
				return d.in(key)
			}
			m[key] = value
		}
		v.Set(reflect.ValueOf(m))
		return !d.bad
	}, nil
}

// read reads a parameter's value. Absent scalars are zero, as ever.
func (p *parameterPlan) read(d *decoder, o *object) (any, bool) {
	union, at := d.slot(o, p.value.Slot-1, 1), d.slot(o, p.value.Slot, 4)
	if union == 0 || at == 0 {
		return nil, d.refuse("has no value")
	}
	arm := byte(d.integer(union, Uint8))
	inner := d.object(at)
	switch arm {
	case p.boolean.number:
		if pos := d.slot(&inner, p.boolean.value.Slot, 1); pos != 0 {
			return d.integer(pos, Uint8) != 0, !d.bad
		}
		return false, !d.bad
	case p.integer.number:
		if pos := d.slot(&inner, p.integer.value.Slot, 4); pos != 0 {
			return int64(d.integer(pos, Int32)), !d.bad
		}
		return int64(0), !d.bad
	case p.real.number:
		if pos := d.slot(&inner, p.real.value.Slot, 8); pos != 0 {
			return d.float(pos, Float64), !d.bad
		}
		return float64(0), !d.bad
	case p.text.number:
		if pos := d.slot(&inner, p.text.value.Slot, 4); pos != 0 {
			return string(d.bytes(pos)), !d.bad
		}
	case p.list.number:
		list := []any{}
		if pos := d.slot(&inner, p.list.value.Slot, 4); pos != 0 {
			at, n := d.vector(pos, 4)
			for i := range n {
				list = append(list, int64(d.integer(at+4*i, Int32)))
			}
		}
		return list, !d.bad
	}
	return nil, d.refuse("has a value of an unknown type")
}

// encode writes codec parameters, sorted by their names.
func (p *parameterPlan) encode(e *encoder, v reflect.Value) flatbuffers.UOffsetT {
	m := v.Interface().(proto.CodecParameters)
	base := len(e.offsets)
	for _, key := range slices.Sorted(maps.Keys(m)) {
		arm, value := p.write(e, m[key])
		name := e.b.CreateString(key)
		e.b.StartObject(p.slots)
		e.b.PrependUOffsetTSlot(p.name.Slot, name, 0)
		e.b.PrependUOffsetTSlot(p.value.Slot, value, 0)
		e.b.PrependByteSlot(p.value.Slot-1, arm, 0)
		e.offsets = append(e.offsets, e.b.EndObject())
	}
	return e.vector(base)
}

// write writes a parameter's value in the arm of its type. Numbers that are whole and fit are integers, as the libraries have it.
func (p *parameterPlan) write(e *encoder, value any) (byte, flatbuffers.UOffsetT) {
	switch v := value.(type) {
	case bool:
		bit := byte(0)
		if v {
			bit = 1
		}
		e.b.StartObject(p.boolean.slots)
		e.b.PrependByteSlot(p.boolean.value.Slot, bit, 0)
		return p.boolean.number, e.b.EndObject()
	case string:
		return p.writeText(e, v)
	case []any:
		e.b.StartVector(4, len(v), 4)
		for _, one := range slices.Backward(v) {
			n, _ := number(one)
			e.b.PrependInt32(int32(n))
		}
		list := e.b.EndVector(len(v))
		e.b.StartObject(p.list.slots)
		e.b.PrependUOffsetTSlot(p.list.value.Slot, list, 0)
		return p.list.number, e.b.EndObject()
	}
	n, ok := number(value)
	if !ok {
		return p.writeText(e, fmt.Sprint(value))
	}
	if n == math.Trunc(n) && math.Abs(n) < 1<<31 {
		e.b.StartObject(p.integer.slots)
		e.b.PrependInt32Slot(p.integer.value.Slot, int32(n), 0)
		return p.integer.number, e.b.EndObject()
	}
	e.b.StartObject(p.real.slots)
	e.b.PrependFloat64Slot(p.real.value.Slot, n, 0)
	return p.real.number, e.b.EndObject()
}

func (p *parameterPlan) writeText(e *encoder, text string) (byte, flatbuffers.UOffsetT) {
	s := e.b.CreateString(text)
	e.b.StartObject(p.text.slots)
	e.b.PrependUOffsetTSlot(p.text.value.Slot, s, 0)
	return p.text.number, e.b.EndObject()
}

// number reads a number of any type.
func number(value any) (float64, bool) {
	v := reflect.ValueOf(value)
	switch {
	case v.CanInt():
		return float64(v.Int()), true
	case v.CanUint():
		return float64(v.Uint()), true
	case v.CanFloat():
		return v.Float(), true
	}
	return 0, false
}
