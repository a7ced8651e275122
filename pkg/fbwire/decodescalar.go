package fbwire

import (
	"reflect"
)

// setter puts a number, integer or not, into a value.
type setter func(d *decoder, bits uint64, number float64, v reflect.Value) bool

// setScalar compiles how a scalar becomes a value of ours: a number, a truth value, a word, or a pointer to one of them.
func (c *compiler) setScalar(t Type, typ reflect.Type) (setter, error) {
	if typ.Kind() == reflect.Pointer {
		inner, err := c.setScalar(t, typ.Elem())
		if err != nil {
			return nil, err
		}
		elem := typ.Elem()
		return func(d *decoder, bits uint64, number float64, v reflect.Value) bool {
			v.Set(reflect.New(elem))
			return inner(d, bits, number, v.Elem())
		}, nil
	}
	switch typ.Kind() {
	case reflect.String:
		if t.Enum != nil {
			return setWord(t.Enum), nil
		}
	case reflect.Bool:
		if t.Kind == Bool {
			return func(_ *decoder, bits uint64, _ float64, v reflect.Value) bool { v.SetBool(bits != 0); return true }, nil
		}
	case reflect.Float32, reflect.Float64:
		if isFloat(t.Kind) {
			return func(_ *decoder, _ uint64, number float64, v reflect.Value) bool { v.SetFloat(number); return true }, nil
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if t.Enum == nil && !isFloat(t.Kind) && t.Kind != Bool {
			return setInteger(t.Kind), nil
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if t.Enum == nil && !isFloat(t.Kind) && t.Kind != Bool {
			return setUnsigned(t.Kind), nil
		}
	}
	return nil, missing("is no %s", typ)
}

func setInteger(k Kind) setter {
	signed := isSigned(k)
	return func(d *decoder, bits uint64, _ float64, v reflect.Value) bool {
		if !signed && bits > 1<<63-1 || v.OverflowInt(int64(bits)) {
			return d.refuse("%d is out of range", bits)
		}
		v.SetInt(int64(bits))
		return true
	}
}

func setUnsigned(k Kind) setter {
	signed := isSigned(k)
	return func(d *decoder, bits uint64, _ float64, v reflect.Value) bool {
		if signed && int64(bits) < 0 {
			return d.refuse("%d is out of range", int64(bits))
		}
		if v.OverflowUint(bits) {
			return d.refuse("%d is out of range", bits)
		}
		v.SetUint(bits)
		return true
	}
}

// setWord turns a number into the word it stands for.
func setWord(e *Enum) setter {
	words := make(map[uint64]string, len(e.Values))
	for _, v := range e.Values {
		words[uint64(v.Number)] = spelling(v.Name)
	}
	name := short(e.Name)
	return func(d *decoder, bits uint64, _ float64, v reflect.Value) bool {
		word, ok := words[bits]
		if !ok {
			return d.refuse("%d is no value of %s", bits, name)
		}
		v.SetString(word)
		return true
	}
}
