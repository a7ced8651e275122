package fbwire

import (
	"reflect"
	"strconv"
	"unicode/utf8"

	"gazpacho/proto"
)

// decodeValue compiles the reading of a value, which is there.
func (c *compiler) decodeValue(t Type, typ reflect.Type) (valueDecoder, error) {
	if typ == reflect.TypeFor[proto.CodecParameters]() {
		return c.decodeParameters(t)
	}
	if typ.Kind() == reflect.Pointer && !t.Kind.scalar() && typ.Elem().Kind() != reflect.Struct {
		inner, err := c.decodeValue(t, typ.Elem())
		return func(d *decoder, pos int, v reflect.Value) bool {
			v.Set(reflect.New(typ.Elem()))
			return inner(d, pos, v.Elem())
		}, err
	}
	switch {
	case t.Kind.scalar():
		set, err := c.setScalar(t, typ)
		if err != nil {
			return nil, err
		}
		kind := t.Kind
		if isFloat(kind) {
			return func(d *decoder, pos int, v reflect.Value) bool { return set(d, 0, d.float(pos, kind), v) }, nil
		}
		return func(d *decoder, pos int, v reflect.Value) bool { return set(d, d.integer(pos, kind), 0, v) }, nil
	case t.Kind == String && typ.Kind() == reflect.String:
		return decodeString, nil
	case t.Kind == TableRef:
		return c.decodeReference(t, typ)
	case t.Kind == Vector && typ.Kind() == reflect.Slice:
		return c.decodeVector(t, typ)
	case t.Kind == Vector && typ.Kind() == reflect.Map:
		return c.decodeMap(t, typ)
	case t.Kind == UnionRef:
		return func(*decoder, int, reflect.Value) bool { return true }, nil // of traces, which only go out
	}
	return nil, missing("is not what %s is made of", typ)
}

// decodeString reads text, which must be UTF-8 as the format says.
func decodeString(d *decoder, pos int, v reflect.Value) bool {
	b := d.bytes(pos)
	if d.bad {
		return false
	}
	if !utf8.Valid(b) {
		return d.refuse("is no UTF-8")
	}
	v.SetString(string(b))
	return true
}

// decodeReference reads a table into a struct or a pointer to a new one.
func (c *compiler) decodeReference(t Type, typ reflect.Type) (valueDecoder, error) {
	pointer := typ.Kind() == reflect.Pointer
	if pointer {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct {
		return nil, missing("is a table, and not %s", typ)
	}
	inner, err := c.decodeTable(t.Table, typ)
	if err != nil {
		return nil, err
	}
	return func(d *decoder, pos int, v reflect.Value) bool {
		o := d.object(pos)
		if d.bad {
			return false
		}
		if pointer {
			v.Set(reflect.New(typ))
			v = v.Elem()
		}
		return inner.decode(d, &o, v)
	}, nil
}

// decodeVector reads a vector into a slice. Bytes stay where they are: a message has a buffer of its own.
func (c *compiler) decodeVector(t Type, typ reflect.Type) (valueDecoder, error) {
	if t.Elem.Kind.size() == 1 && t.Elem.Enum == nil && typ.Elem().Kind() == reflect.Uint8 {
		return func(d *decoder, pos int, v reflect.Value) bool {
			v.SetBytes(d.bytes(pos))
			return !d.bad
		}, nil
	}
	read, err := c.decodeValue(*t.Elem, typ.Elem())
	if err != nil {
		return nil, err
	}
	size := t.Elem.Kind.size()
	return func(d *decoder, pos int, v reflect.Value) bool {
		at, n := d.vector(pos, size)
		if d.bad || !d.pay(n*int(typ.Elem().Size())/8) {
			return false
		}
		list := reflect.MakeSlice(typ, n, n)
		for i := range n {
			if !read(d, at+i*size, list.Index(i)) {
				return d.in("[" + strconv.Itoa(i) + "]")
			}
		}
		v.Set(list)
		return true
	}, nil
}

// entry returns the two fields of a table that is a map's entry: its key comes first.
func entry(t Type) (key, value *Field, err error) {
	if t.Elem.Kind != TableRef || len(t.Elem.Table.Fields) != 2 || t.Elem.Table.Fields[0].Type.Kind != String {
		return nil, nil, missing("is no list of keys and values")
	}
	return t.Elem.Table.Fields[0], t.Elem.Table.Fields[1], nil
}

// decodeMap reads a vector of tables of two fields into a map.
func (c *compiler) decodeMap(t Type, typ reflect.Type) (valueDecoder, error) {
	key, value, err := entry(t)
	if err != nil {
		return nil, err
	}
	read, err := c.decodeValue(value.Type, typ.Elem())
	if err != nil {
		return nil, err
	}
	return func(d *decoder, pos int, v reflect.Value) bool {
		at, n := d.vector(pos, 4)
		m := reflect.MakeMapWithSize(typ, n)
		for i := range n {
			o := d.object(at + 4*i)
			name, one := reflect.New(typ.Key()).Elem(), reflect.New(typ.Elem()).Elem()
			if k := d.slot(&o, key.Slot, 4); k == 0 || !decodeString(d, k, name) {
				return false
			}
			if p := d.slot(&o, value.Slot, value.Type.Kind.size()); p != 0 && !read(d, p, one) {
				return false
			}
			m.SetMapIndex(name, one)
		}
		v.Set(m)
		return !d.bad
	}, nil
}
