package worker_test

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gazpacho/proto"
)

// variant is a body with one thing changed.
type variant struct {
	what       string // for people: the field and the change
	body       any    // as msgpack knows it
	beyondJSON bool   // a difference that JSON, and so the schema, has no words for
}

// absent stands for a field that is left out.
type absent struct{}

// varier makes variants of a body by its Go type.
type varier struct {
	ids   []string // of everything that lives
	yield func(variant)
}

// tree is a value of proto as msgpack has it: maps by key, lists, and scalars. Fields that would be left out are left out.
func tree(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return tree(v.Elem())
	case reflect.Struct:
		m := map[string]any{}
		eachField(v.Type(), func(f reflect.StructField, key string, index []int) {
			value := v.FieldByIndex(index)
			if value.IsZero() && strings.HasSuffix(f.Tag.Get("json"), ",omitempty") {
				return
			}
			m[key] = tree(value)
		})
		return m
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[proto.Blob]() {
			return v.Bytes()
		}
		l := make([]any, v.Len())
		for i := range l {
			l[i] = tree(v.Index(i))
		}
		return l
	case reflect.Map:
		m := map[string]any{}
		for i := v.MapRange(); i.Next(); {
			m[i.Key().String()] = tree(i.Value())
		}
		return m
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int64:
		return v.Int()
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return v.Uint()
	}
	return v.Interface()
}

// eachField calls f for the fields of a struct, those of embedded ones among them.
func eachField(t reflect.Type, f func(field reflect.StructField, key string, index []int)) {
	for _, field := range reflect.VisibleFields(t) {
		if !field.Anonymous {
			key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			f(field, key, field.Index)
		}
	}
}

// whole varies a body: as a whole, and in each of its fields.
func (v *varier) whole(t reflect.Type, body any) {
	set := func(value any, how string, beyond bool) { v.yield(variant{how, value, beyond}) }
	set(body, "as it should be", false)
	set(nil, "nil", false)
	wrong(t, set)
	more := maps.Clone(body.(map[string]any))
	more["unheard-of"] = deep(28)
	set(more, "with a field nobody knows", false)
	v.fields(t, "", body, set)
}

// setter sends the body with a value somewhere in it; beyond is whether JSON has no words for the difference.
type setter func(value any, how string, beyond bool)

// at says where.
func (set setter) at(path string) setter {
	return func(value any, how string, beyond bool) { set(value, path+" "+how, beyond) }
}

// node varies what is at one place of a body.
func (v *varier) node(t reflect.Type, path string, tag reflect.StructTag, value any, set setter) {
	switch t.Kind() {
	case reflect.Pointer:
		v.node(t.Elem(), path, tag, value, set)
	case reflect.Struct:
		set.at(path)(map[string]any{}, "without fields", false)
		v.fields(t, path, value, set)
	case reflect.Slice:
		if t == reflect.TypeFor[proto.Blob]() {
			set.at(path)([]byte{}, "empty", false)
			set.at(path)(make([]byte, 300_000), "of 300,000 bytes", false)
			return
		}
		v.list(t, path, value, set)
	case reflect.Map:
		mapping(set.at(path))
	case reflect.String:
		v.text(path, tag, set.at(path))
	case reflect.Bool:
		set.at(path)(true, "true", false)
		set.at(path)(false, "false", false)
	default:
		integers(t, tag, set.at(path))
	}
}

func (v *varier) fields(t reflect.Type, path string, value any, set setter) {
	m, _ := value.(map[string]any)
	eachField(t, func(f reflect.StructField, key string, _ []int) {
		at := strings.TrimPrefix(path+"."+key, ".")
		var here setter = func(value any, how string, beyond bool) {
			c := maps.Clone(m)
			if c == nil {
				c = map[string]any{}
			}
			c[key] = value
			if value == (absent{}) {
				delete(c, key)
			}
			set(c, how, beyond)
		}
		here(absent{}, at+" absent", false)
		here(nil, at+" nil", false)
		wrong(f.Type, here.at(at))
		v.node(f.Type, at, f.Tag, m[key], here)
	})
}

// wrong sets values of every type but the right one.
func wrong(t reflect.Type, set setter) {
	kind := t.Kind()
	if kind == reflect.Pointer {
		kind = t.Elem().Kind()
	}
	number := kind >= reflect.Int && kind <= reflect.Uint64
	blob := t == reflect.TypeFor[proto.Blob]()
	for _, w := range []struct {
		value any
		fits  bool
	}{
		{true, kind == reflect.Bool},
		{int64(7), number},
		{1.5, false},
		{"text", kind == reflect.String},
		{[]byte("bytes"), blob},
		{[]any{}, kind == reflect.Slice && !blob},
		{map[string]any{}, kind == reflect.Struct || kind == reflect.Map},
	} {
		if !w.fits {
			_, binary := w.value.([]byte)
			set(w.value, fmt.Sprintf("%T", w.value), binary && kind == reflect.String || blob)
		}
	}
}

// many is how long long lists are.
const many = 300

func (v *varier) list(t reflect.Type, path string, value any, set setter) {
	l, _ := value.([]any)
	var first any
	if len(l) > 0 {
		first = l[0]
	} else {
		first = tree(reflect.Zero(t.Elem()))
	}
	as := set.at(path)
	as([]any{}, "empty", false)
	as([]any{nil}, "with nil", false)
	as(slices.Repeat([]any{first}, many), "long", false)
	if len(l) > 1 {
		as(l[:1], "with one element", false)
		backwards := slices.Clone(l)
		slices.Reverse(backwards)
		as(backwards, "backwards", false)
	}
	var here setter = func(value any, how string, beyond bool) {
		c := slices.Clone(l)
		if len(c) == 0 {
			c = []any{nil}
		}
		c[0] = value
		set(c, how, beyond)
	}
	at := path + "[0]"
	wrong(t.Elem(), here.at(at))
	v.node(t.Elem(), at, "", first, here)
}

// mapping sets codec parameters.
func mapping(set setter) {
	large := map[string]any{}
	for i := range many {
		large[strconv.Itoa(i)] = int64(i)
	}
	set(map[string]any{}, "empty", false)
	set(large, "large", false)
	set(map[string]any{"": "", "apt": nil, "x": []any{true, 1.5, "y"}}, "of anything", false)
	set(map[string]any{"apt": uint64(math.MaxUint64), "profile-id": int64(math.MinInt64), "packetization-mode": -1.5e300}, "with numbers", false)
	set(map[string]any{"deep": deep(20)}, "deep", false)
	set(map[string]any{"apt": math.NaN()}, "with NaN", true)
	set(map[string]any{strings.Repeat("k", 100_000): strings.Repeat("v", 100_000)}, "with long text", false)
}

// deep is lists in lists.
func deep(n int) any {
	var v any = "bottom"
	for range n {
		v = []any{v}
	}
	return v
}

func (v *varier) text(path string, tag reflect.StructTag, set setter) {
	set("", "empty", false)
	set(strings.Repeat("long", 20_000), "long", false)
	set("\x00\n\u202e\U0001F345", "strange", false)
	set("\xff", "no UTF-8", true)
	set("-1", "a number", false)
	if list := tag.Get("enum"); list != "" {
		for _, value := range strings.Split(list, ",") {
			set(value, value, false)
			set(strings.ToUpper(value)+" ", "not quite "+value, false)
		}
	}
	if strings.HasSuffix(path, "Id") {
		for _, id := range v.ids {
			set(id, "of "+id, false)
		}
	}
	for _, word := range words[path[strings.LastIndexAny(path, ".]")+1:]] {
		set(word, word, false)
	}
}

// words are what means something in fields that take any text.
var words = map[string][]string{
	"ip":               {"0.0.0.0", "::", "::1", "127.0.0.1", "255.255.255.255", "224.0.0.1", "fe80::1%lo", "192.0.2.77", "localhost", "127.0.0.1:80"},
	"announcedAddress": {"203.0.113.5", "2001:db8::1", "example.org", "not a name"},
	"mimeType":         {"audio/opus", "video/VP8", "video/rtx", "VIDEO/vp9", "video/AV1", "audio/red", "video/", "/", "video/x/y"},
	"scalabilityMode":  {"L1T1", "L3T3_KEY", "S3T3", "L9T9", "L0T0", "L99999999999999999999T1", "l1t2"},
	"uri":              {"urn:ietf:params:rtp-hdrext:sdes:mid", "urn:ietf:params:rtp-hdrext:ssrc-audio-level"},
	"keyBase64":        {"AAAA", "!", strings.Repeat("A", 40), strings.Repeat("/", 4000)},
	"value":            {"AA:BB", "AA", ":", strings.Repeat("AB:", 31) + "AB", strings.Repeat("ab:", 31) + "ab"},
	"mid":              {"0"},
	"rid":              {"r0", "r1"},
}

// integers sets the bounds of the type and of the tags, and what is just beyond.
func integers(t reflect.Type, tag reflect.StructTag, set setter) {
	values := []any{int64(0), int64(1), int64(-1), int64(math.MaxInt64), int64(math.MinInt64), uint64(math.MaxUint64)}
	switch t.Kind() {
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		values = append(values, uint64(1)<<t.Bits()-1, uint64(1)<<t.Bits())
	default:
		values = append(values, int64(math.MaxInt32), int64(math.MinInt32), int64(100_000))
	}
	for _, name := range []string{"min", "max"} {
		if n, err := strconv.ParseInt(tag.Get(name), 10, 64); err == nil {
			values = append(values, n-1, n, n+1)
		}
	}
	for _, value := range values {
		_, huge := value.(uint64) // JSON has no limits, and its readers have theirs
		set(value, fmt.Sprint(value), huge && t.Bits() == 64)
	}
}
