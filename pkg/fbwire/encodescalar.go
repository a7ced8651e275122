package fbwire

import (
	"math"
	"reflect"

	flatbuffers "github.com/google/flatbuffers/go"
)

// encodeScalarField compiles the writing of a number, a truth value or a word. A default is not written, and neither is nothing where that differs.
func encodeScalarField(f *Field, g goField) (*fieldEncoder, error) {
	typ := g.typ
	pointer := typ.Kind() == reflect.Pointer
	if pointer {
		typ = typ.Elem()
	}
	bits, err := scalarBits(f.Type, typ)
	if err != nil {
		return nil, err
	}
	absent, number, err := defaultBits(f)
	if err != nil {
		return nil, err
	}
	if f.Type.Kind == Float32 {
		absent = uint64(math.Float32bits(float32(number)))
	} else if f.Type.Kind == Float64 {
		absent = math.Float64bits(number)
	}
	optional, omit, kind, slot := f.Optional, g.omitEmpty, f.Type.Kind, f.Slot
	return &fieldEncoder{put: func(e *encoder, v reflect.Value) {
		v = g.of(v)
		if pointer {
			if v.IsNil() {
				return
			}
			v = v.Elem()
		} else if omit && v.IsZero() {
			return
		}
		b := bits(e, v)
		if optional || b != absent {
			prepend(e.b, kind, b)
			e.b.Slot(slot)
		}
	}}, nil
}

// scalarBits compiles how a value becomes a scalar's bits. A number that does not fit becomes the nearest that does.
func scalarBits(t Type, typ reflect.Type) (func(e *encoder, v reflect.Value) uint64, error) {
	least, most := limits(t.Kind)
	switch kind := typ.Kind(); {
	case t.Enum != nil && kind == reflect.String:
		return wordBits(t.Enum), nil
	case t.Enum != nil:
	case kind == reflect.Bool && t.Kind == Bool:
		return func(_ *encoder, v reflect.Value) uint64 {
			if v.Bool() {
				return 1
			}
			return 0
		}, nil
	case t.Kind == Float32 && reflect.Zero(typ).CanFloat():
		return func(_ *encoder, v reflect.Value) uint64 { return uint64(math.Float32bits(float32(v.Float()))) }, nil
	case t.Kind == Float64 && reflect.Zero(typ).CanFloat():
		return func(_ *encoder, v reflect.Value) uint64 { return math.Float64bits(v.Float()) }, nil
	case isFloat(t.Kind) || t.Kind == Bool:
	case reflect.Zero(typ).CanInt():
		return func(_ *encoder, v reflect.Value) uint64 {
			n := v.Int()
			if n > 0 && uint64(n) > most {
				return most
			}
			return uint64(max(n, least))
		}, nil
	case reflect.Zero(typ).CanUint():
		return func(_ *encoder, v reflect.Value) uint64 { return min(v.Uint(), most) }, nil
	}
	return nil, missing("is not what %s becomes", typ)
}

// limits are the least and the most an integer may be.
func limits(k Kind) (least int64, most uint64) {
	bits := 8 * k.size()
	if isSigned(k) {
		return -1 << (bits - 1), 1<<(bits-1) - 1
	}
	return 0, 1<<bits - 1
}

// wordBits turns a word into the number that stands for it.
func wordBits(e *Enum) func(e *encoder, v reflect.Value) uint64 {
	numbers := make(map[string]uint64, len(e.Values))
	for _, v := range e.Values {
		numbers[spelling(v.Name)] = uint64(v.Number)
	}
	name := short(e.Name)
	return func(e *encoder, v reflect.Value) uint64 {
		n, ok := numbers[v.String()]
		if !ok {
			e.fail("%q is no value of %s", v.String(), name)
		}
		return n
	}
}

// prepend writes a scalar's bits.
func prepend(b *flatbuffers.Builder, k Kind, bits uint64) {
	switch k.size() {
	case 1:
		b.PrependUint8(uint8(bits))
	case 2:
		b.PrependUint16(uint16(bits))
	case 4:
		b.PrependUint32(uint32(bits))
	default:
		b.PrependUint64(bits)
	}
}
