package channel

import (
	"bytes"
	"reflect"
	"sync"

	"github.com/vmihailenco/msgpack/v5"

	"gazpacho/proto"
)

// Raw is one msgpack value whose type only its reader knows; empty is nil. It is never written to again, but it shares the
// reader's buffer of some 64 KiB: who keeps it long, copies it.
type Raw []byte

// Decode turns raw into *into, a zero value of a type of proto. Unknown fields are ignored; what is nil stays zero, a whole body
// too. A field of a wrong type, or a number out of its range, is a TypeError whose path names the field.
func Decode(raw Raw, into any) *proto.Error {
	if len(raw) == 0 || raw[0] == 0xc0 {
		return nil
	}
	s := shapeOf(reflect.TypeOf(into).Elem())
	// The bytes of a frame were checked before, but Raw is exported: a fitter must never see what was not.
	if err := check(raw); err != nil {
		return (&misfit{why: err.Error()}).err()
	}
	f := fitter{b: raw, budget: maxDecoded}
	if m := f.fit(s, f.next()); m != nil {
		return m.err()
	}
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	d.r.Reset(raw)
	err := d.d.Decode(into)
	d.r.Reset(nil)
	if err != nil {
		return (&misfit{why: err.Error()}).err()
	}
	return nil
}

// decoder is the library's, with a reader to point at bytes.
type decoder struct {
	r bytes.Reader
	d *msgpack.Decoder
}

var decoders = sync.Pool{New: func() any {
	d := &decoder{}
	d.d = msgpack.NewDecoder(&d.r)
	d.d.SetCustomStructTag("json")
	// Codec parameters become int64, uint64, float64 or string.
	d.d.UseLooseInterfaceDecoding(true)
	return d
}}

// Encode turns a value of a type of proto into msgpack: the keys of its json tags, integers as short as they go, maps sorted.
func Encode(v any) (Raw, error) {
	return appendValue(nil, v)
}

// appendValue appends v to b.
func appendValue(b []byte, v any) ([]byte, error) {
	// A body that is msgpack already goes in as it is: it was checked when it came.
	switch v := v.(type) {
	case nil:
		return append(b, 0xc0), nil
	case Raw:
		if len(v) == 0 {
			return append(b, 0xc0), nil
		}
		return append(b, v...), nil
	}
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	e.out = b
	err := e.e.Encode(v)
	b, e.out = e.out, nil
	return b, err
}

// encoder writes to the end of out.
type encoder struct {
	out []byte
	e   *msgpack.Encoder
}

func (e *encoder) Write(p []byte) (int, error) {
	e.out = append(e.out, p...)
	return len(p), nil
}

func (e *encoder) WriteByte(c byte) error {
	e.out = append(e.out, c)
	return nil
}

var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.e = msgpack.NewEncoder(e)
	e.e.SetCustomStructTag("json")
	// Without it every int would be nine bytes long.
	e.e.UseCompactInts(true)
	// For golden bytes. Fields come in the order of the struct anyway.
	e.e.SetSortMapKeys(true)
	return e
}}
