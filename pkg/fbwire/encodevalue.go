package fbwire

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	flatbuffers "github.com/google/flatbuffers/go"

	"gazpacho/proto"
)

// valueEncoder writes a value and returns where it is.
type valueEncoder func(e *encoder, v reflect.Value) flatbuffers.UOffsetT

// encodeValue compiles the writing of what is not a scalar.
func (c *compiler) encodeValue(t Type, typ reflect.Type) (valueEncoder, error) {
	if typ == reflect.TypeFor[proto.CodecParameters]() {
		p, err := c.parameters(t)
		if err != nil {
			return nil, err
		}
		return p.encode, nil
	}
	if typ.Kind() == reflect.Pointer && typ.Elem().Kind() != reflect.Struct {
		inner, err := c.encodeValue(t, typ.Elem())
		return func(e *encoder, v reflect.Value) flatbuffers.UOffsetT { return inner(e, v.Elem()) }, err
	}
	switch {
	case t.Kind == String && typ.Kind() == reflect.String:
		return func(e *encoder, v reflect.Value) flatbuffers.UOffsetT { return e.b.CreateString(v.String()) }, nil
	case t.Kind == TableRef:
		return c.encodeReference(t, typ)
	case t.Kind == Vector && typ.Kind() == reflect.Slice:
		return c.encodeVector(t, typ)
	case t.Kind == Vector && typ.Kind() == reflect.Map:
		return c.encodeMap(t, typ)
	}
	return nil, missing("is not what %s becomes", typ)
}

func (c *compiler) encodeReference(t Type, typ reflect.Type) (valueEncoder, error) {
	pointer := typ.Kind() == reflect.Pointer
	if pointer {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct {
		return nil, missing("is a table, which %s does not become", typ)
	}
	inner, err := c.encodeTable(t.Table, typ, "")
	if err != nil {
		return nil, err
	}
	if !pointer {
		return inner.encode, nil
	}
	return func(e *encoder, v reflect.Value) flatbuffers.UOffsetT { return inner.encode(e, v.Elem()) }, nil
}

func (c *compiler) encodeVector(t Type, typ reflect.Type) (valueEncoder, error) {
	elem := *t.Elem
	if elem.Kind.scalar() {
		if elem.Kind.size() == 1 && elem.Enum == nil && typ.Elem().Kind() == reflect.Uint8 {
			return func(e *encoder, v reflect.Value) flatbuffers.UOffsetT { return e.b.CreateByteVector(v.Bytes()) }, nil
		}
		bits, err := scalarBits(elem, typ.Elem())
		if err != nil {
			return nil, err
		}
		size := elem.Kind.size()
		return func(e *encoder, v reflect.Value) flatbuffers.UOffsetT {
			n := v.Len()
			e.b.StartVector(size, n, size)
			for i := n - 1; i >= 0; i-- {
				prepend(e.b, elem.Kind, bits(e, v.Index(i)))
			}
			return e.b.EndVector(n)
		}, nil
	}
	write, err := c.encodeValue(elem, typ.Elem())
	if err != nil {
		return nil, err
	}
	return func(e *encoder, v reflect.Value) flatbuffers.UOffsetT {
		base := len(e.offsets)
		for i := range v.Len() {
			e.offsets = append(e.offsets, write(e, v.Index(i)))
		}
		return e.vector(base)
	}, nil
}

// encodeMap compiles the writing of a map as a vector of tables of two fields, sorted by their keys.
func (c *compiler) encodeMap(t Type, typ reflect.Type) (valueEncoder, error) {
	key, value, err := entry(t)
	if err != nil {
		return nil, err
	}
	if !value.Type.Kind.scalar() {
		return nil, missing("has values that are no numbers")
	}
	bits, err := scalarBits(value.Type, typ.Elem())
	if err != nil {
		return nil, err
	}
	slots := t.Elem.Table.Slots
	return func(e *encoder, v reflect.Value) flatbuffers.UOffsetT {
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		base := len(e.offsets)
		for _, k := range keys {
			name := e.b.CreateString(k.String())
			e.b.StartObject(slots)
			e.b.PrependUOffsetTSlot(key.Slot, name, 0)
			prepend(e.b, value.Type.Kind, bits(e, v.MapIndex(k)))
			e.b.Slot(value.Slot)
			e.offsets = append(e.offsets, e.b.EndObject())
		}
		return e.vector(base)
	}, nil
}

// encodeRoot compiles the writing of a whole body. One that is a list is either the only field of its table, or its first element is the table.
func (c *compiler) encodeRoot(t *Table, typ reflect.Type) (valueEncoder, error) {
	if typ.Kind() == reflect.Struct {
		plan, err := c.encodeTable(t, typ, "")
		if err != nil {
			return nil, err
		}
		return plan.encode, nil
	}
	if typ.Kind() != reflect.Slice {
		return nil, fmt.Errorf("%s: %w", t.Name, missing("is not what %s becomes", typ))
	}
	if len(t.Fields) == 1 && t.Fields[0].Type.Kind == Vector {
		write, err := c.encodeVector(t.Fields[0].Type, typ)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		}
		slot, slots := t.Fields[0].Slot, t.Slots
		return func(e *encoder, v reflect.Value) flatbuffers.UOffsetT {
			list := write(e, v)
			e.b.StartObject(slots)
			e.b.PrependUOffsetTSlot(slot, list, 0)
			return e.b.EndObject()
		}, nil
	}
	plan, err := c.encodeTable(t, typ.Elem(), "")
	if err != nil {
		return nil, err
	}
	return func(e *encoder, v reflect.Value) flatbuffers.UOffsetT {
		if v.Len() == 0 {
			e.fail("%s is empty", t.Name)
			return 0
		}
		return plan.encode(e, v.Index(0))
	}, nil
}
