package channel

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"gazpacho/proto"
)

// maxDecoded bounds the memory one body may take when decoded: 8 MiB of empty maps would be a gigabyte of structs.
const maxDecoded = 64 << 20

// mapEntry is about what an entry of a Go map costs beside its value: key, hash and slack.
const mapEntry = 48

// misfit is why a body does not have the shape its method wants. The path is gathered on the way out, innermost first.
type misfit struct {
	path []string
	why  string
}

// at adds a step to the path: ".field" or "[index]".
func (m *misfit) at(step string) *misfit {
	m.path = append(m.path, step)
	return m
}

// err is the answer to the request: bad-body, and the path as JavaScript would write it.
func (m *misfit) err() *proto.Error {
	var path strings.Builder
	for i := len(m.path) - 1; i >= 0; i-- {
		path.WriteString(m.path[i])
	}
	return &proto.Error{
		Name: proto.TypeErrorName, Code: proto.CodeBadBody, Message: m.why, Path: strings.TrimPrefix(path.String(), "."),
	}
}

// fitter holds a body against a shape before the msgpack library sees it. The library would take nil for 0, 300 for a uint8
// of 44 and a blob for a string, and would not say where it found something wrong.
type fitter struct {
	b      []byte // passed check
	budget int    // bytes of memory left
}

// next looks at the value that comes, which stays in the input.
func (f *fitter) next() token {
	t, err := readToken(f.b)
	if err != nil {
		panic("channel: body was not checked: " + err.Error())
	}
	return t
}

// text takes the string t from the input.
func (f *fitter) text(t token) []byte {
	s := f.b[t.head:t.size]
	f.b = f.b[t.size:]
	return s
}

// skip takes the value at the start of the input, whatever it is.
func (f *fitter) skip() {
	n, err := walk(f.b)
	if err != nil {
		panic("channel: body was not checked: " + err.Error())
	}
	f.b = f.b[n:]
}

// spend takes n bytes from the budget.
func (f *fitter) spend(n int) *misfit {
	f.budget -= n
	if f.budget < 0 {
		return &misfit{why: fmt.Sprintf("takes more than %d bytes when decoded", maxDecoded)}
	}
	return nil
}

// fit takes one value, of which t is the token, from the input and holds it against s.
func (f *fitter) fit(s *shape, t token) *misfit {
	if t.class == classNil {
		if !s.nullable {
			return wants(s, t)
		}
		f.skip()
		return nil
	}
	if m := f.spend(s.pointee); m != nil {
		return m
	}
	switch s.kind {
	case reflect.Struct:
		return f.fitStruct(s, t)
	case reflect.Slice:
		return f.fitSlice(s, t)
	case reflect.Map:
		return f.fitMap(s.elem, t)
	case reflect.Interface:
		return f.fitAny(t)
	}
	return f.fitScalar(s, t)
}

// fitStruct takes a map with the fields of s. A key that comes twice is decoded twice, and the last one stays: what was held
// against the shape both times does no harm.
func (f *fitter) fitStruct(s *shape, t token) *misfit {
	if t.class != classMap {
		return wants(s, t)
	}
	f.b = f.b[t.size:]
	for range t.children / 2 {
		key := f.next()
		if key.class != classString {
			return &misfit{why: "has " + key.class.String() + " as a key"}
		}
		name := f.text(key)
		field := s.fields[string(name)]
		// Unknown fields are of a newer minor version; nil is the same as an absent field.
		value := f.next()
		if field == nil || value.class == classNil {
			f.skip()
			continue
		}
		if m := f.fit(field, value); m != nil {
			return m.at("." + string(name))
		}
	}
	return nil
}

// fitSlice takes a list. Its memory is spent before its elements are looked at, since that is when a decoder would allocate it.
func (f *fitter) fitSlice(s *shape, t token) *misfit {
	if t.class != classArray {
		return wants(s, t)
	}
	if m := f.spend(t.children * s.elem.bytes); m != nil {
		return m
	}
	f.b = f.b[t.size:]
	for i := range t.children {
		if m := f.fit(s.elem, f.next()); m != nil {
			return m.at("[" + strconv.Itoa(i) + "]")
		}
	}
	return nil
}

// fitMap takes a map whose keys are not known, such as codec parameters or drop reasons.
func (f *fitter) fitMap(elem *shape, t token) *misfit {
	if t.class != classMap {
		return &misfit{why: "must be a map, is " + t.class.String()}
	}
	if m := f.spend(t.children / 2 * (mapEntry + elem.bytes)); m != nil {
		return m
	}
	f.b = f.b[t.size:]
	for range t.children / 2 {
		key := f.next()
		if key.class != classString || !utf8.Valid(f.b[key.head:key.size]) {
			return &misfit{why: "has a key that is no UTF-8 string"}
		}
		name := f.text(key)
		if m := f.fit(elem, f.next()); m != nil {
			return m.at("." + string(name))
		}
	}
	return nil
}

// Shapes of what is in an untyped value.
var (
	anyShape   = &shape{kind: reflect.Interface, bytes: 16, nullable: true}
	floatShape = &shape{kind: reflect.Float64, bytes: 8}
	textShape  = &shape{kind: reflect.String, bytes: 16}
	listShape  = &shape{kind: reflect.Slice, bytes: 24, elem: anyShape}
)

// fitAny takes a value that stays untyped, such as a codec parameter.
func (f *fitter) fitAny(t token) *misfit {
	switch t.class {
	case classMap:
		return f.fitMap(anyShape, t)
	case classArray:
		return f.fitSlice(listShape, t)
	case classString:
		return f.fitScalar(textShape, t)
	case classFloat:
		return f.fitScalar(floatShape, t)
	case classExt:
		return &misfit{why: "is a msgpack extension"}
	}
	f.b = f.b[t.size:]
	return nil
}

// fitScalar takes a value without elements: of the right class and in range. JSON and the signaling above know neither NaN nor
// infinity, nor text that is no UTF-8, so these stop here.
func (f *fitter) fitScalar(s *shape, t token) *misfit {
	ok := false
	switch s.kind {
	case reflect.Bool:
		ok = t.class == classBool
	case reflect.String:
		ok = t.class == classString
		if ok && !utf8.Valid(f.b[t.head:t.size]) {
			return &misfit{why: "is not UTF-8"}
		}
	case reflect.Array:
		ok = t.class == classBinary
	case reflect.Float64:
		ok = t.class == classFloat || t.class == classInt || t.class == classUint && t.num <= math.MaxInt64
		if x := math.Float64frombits(t.num); t.class == classFloat && (math.IsNaN(x) || math.IsInf(x, 0)) {
			return &misfit{why: "is not a finite number"}
		}
	case reflect.Int64, reflect.Uint64:
		ok = t.class == classInt || t.class == classUint
		if ok && !s.holds(t) {
			return &misfit{why: fmt.Sprintf("must be %d to %d, is %s", s.min, s.max, t.integer())}
		}
	}
	if !ok {
		return wants(s, t)
	}
	f.b = f.b[t.size:]
	return f.spend(t.size)
}

// holds tells whether the integer t is in the range of s.
func (s *shape) holds(t token) bool {
	if t.class == classInt && int64(t.num) < 0 {
		return int64(t.num) >= s.min
	}
	return t.num <= s.max
}

// integer writes the integer t in decimal.
func (t token) integer() string {
	if t.class == classInt {
		return strconv.FormatInt(int64(t.num), 10)
	}
	return strconv.FormatUint(t.num, 10)
}

// wants says what s wants instead of t.
func wants(s *shape, t token) *misfit {
	want := map[reflect.Kind]string{
		reflect.Bool: "a boolean", reflect.Int64: "an integer", reflect.Uint64: "an integer", reflect.Float64: "a number",
		reflect.String: "a string", reflect.Slice: "a list", reflect.Struct: "a map", reflect.Array: "binary",
	}[s.kind]
	return &misfit{why: "must be " + want + ", is " + t.class.String()}
}
