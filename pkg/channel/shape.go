package channel

import (
	"reflect"
	"strings"
	"sync"
)

// shape is what a body must look like to become a value of one Go type: what reflection has to say, asked once.
type shape struct {
	kind     reflect.Kind // Bool, Int64, Uint64, Float64, String, Slice, Map, Struct or Interface; Array is a blob
	min      int64        // of Int64
	max      uint64       // of Int64 and Uint64
	bytes    int          // what a value takes in memory, without what it points to
	pointee  int          // what it points to takes, if it is a pointer
	nullable bool         // may be nil as an element of a list or map
	elem     *shape       // of Slice and Map
	fields   map[string]*shape
}

var shapes sync.Map // reflect.Type → *shape

// shapeOf returns the shape of t, which must be made of the kinds proto uses. Anything else is a fault of ours, so it panics:
// the registry's test asks for the shape of every body.
func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s := newShape(t)
	shapes.Store(t, s)
	return s
}

func newShape(t reflect.Type) *shape {
	s := &shape{bytes: int(t.Size())}
	switch t.Kind() {
	case reflect.Bool, reflect.String:
		s.kind = t.Kind()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		s.kind = reflect.Int64
		s.max = 1<<(t.Bits()-1) - 1
		s.min = -int64(s.max) - 1
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		s.kind = reflect.Uint64
		s.max = 1<<t.Bits() - 1
	case reflect.Float32, reflect.Float64:
		s.kind = reflect.Float64
	case reflect.Interface:
		s.kind = reflect.Interface
		s.nullable = true
	case reflect.Pointer:
		*s = *shapeOf(t.Elem())
		s.pointee, s.bytes = s.bytes, int(t.Size())
		s.nullable = true
	case reflect.Slice:
		s.nullable = true
		s.kind = reflect.Array
		if t.Elem().Kind() != reflect.Uint8 {
			s.kind, s.elem = reflect.Slice, shapeOf(t.Elem())
		}
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			panic("channel: keys of " + t.String() + " are no strings")
		}
		s.nullable = true
		s.kind, s.elem = reflect.Map, shapeOf(t.Elem())
	case reflect.Struct:
		s.kind = reflect.Struct
		s.fields = map[string]*shape{}
		s.addFields(t)
	default:
		panic("channel: a body cannot hold " + t.String())
	}
	return s
}

// addFields adds the fields of t by the name of their json tag; the fields of an embedded struct are its own.
func (s *shape) addFields(t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			s.addFields(f.Type)
		case name == "-" || !f.IsExported():
		case name == "":
			panic("channel: field " + f.Name + " of " + t.String() + " has no json tag")
		default:
			s.fields[name] = shapeOf(f.Type)
		}
	}
}
