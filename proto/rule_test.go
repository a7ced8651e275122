package proto

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// rule is what the tags of a field say about it besides its type.
type rule struct {
	key      string
	omitted  string // the value that is left out, if one is: false, 0, empty, or "nothing" for pointers, lists and maps
	needed   bool   // requests are refused without it
	enum     []string
	min, max *int64
	def      string
}

func ruleOf(t *testing.T, f reflect.StructField) rule {
	t.Helper()
	key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	r := rule{key: key, needed: f.Tag.Get("needed") == "true", def: f.Tag.Get("default")}
	if options == "omitempty" {
		switch f.Type.Kind() {
		case reflect.Bool:
			r.omitted = "false"
		case reflect.String:
			r.omitted = "empty"
		case reflect.Pointer, reflect.Slice, reflect.Map:
			r.omitted = "nothing"
		default:
			r.omitted = "0"
		}
	}
	if list := f.Tag.Get("enum"); list != "" {
		r.enum = strings.Split(list, ",")
	}
	for name, into := range map[string]**int64{"min": &r.min, "max": &r.max} {
		if s := f.Tag.Get(name); s != "" {
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				t.Fatalf("%s of %s: %v", name, f.Name, err)
			}
			*into = &n
		}
	}
	return r
}

// presence says whether the field may be absent, in words.
func (r rule) presence() string {
	switch {
	case r.needed:
		return "needed"
	case r.def != "":
		return "default: " + r.def
	case r.omitted == "nothing":
		return "optional"
	case r.omitted != "":
		return "optional: " + r.omitted
	}
	return ""
}

// bounds are those of the tags, and of the type where they say nothing. Integers that a float64 does not hold have none: for a program
// in another language they would mean something else.
func (r rule) bounds(t reflect.Type) (low, high *int64) {
	low, high = r.min, r.max
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if low == nil {
			low = new(int64)
		}
		if n := int64(1)<<t.Bits() - 1; high == nil && t.Bits() < 64 {
			high = &n
		}
	}
	return low, high
}

// requestTypes are the types that bodies of requests are made of.
func requestTypes() map[reflect.Type]bool {
	types := map[reflect.Type]bool{}
	for _, m := range Methods {
		addTypes(types, m.Request)
	}
	for _, n := range Notifications {
		addTypes(types, n.Meta)
	}
	for _, m := range ControlMethods {
		addTypes(types, m.Request)
	}
	return types
}

func addTypes(types map[reflect.Type]bool, v any) {
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(t.Elem())
		case reflect.Struct:
			if types[t] {
				return
			}
			types[t] = true
			for i := range t.NumField() {
				walk(t.Field(i).Type)
			}
		}
	}
	if v != nil {
		walk(reflect.TypeOf(v))
	}
}

// Tags say something only where it is checked, and what can be: the rest would be decoration.
func TestTagsOfFields(t *testing.T) {
	requests := requestTypes()
	seen := 0
	walkTypes(func(s reflect.Type) {
		for i := range s.NumField() {
			f := s.Field(i)
			if f.Anonymous {
				continue
			}
			where := s.Name() + "." + f.Name
			r := ruleOf(t, f)
			said := r.needed || r.def != "" || len(r.enum) > 0 || r.min != nil || r.max != nil
			if said {
				seen++
			}
			kind := f.Type.Kind()
			if kind == reflect.Pointer {
				kind = f.Type.Elem().Kind()
			}
			switch {
			case said && !requests[s]:
				t.Errorf("%s has rules, but is in no request", where)
			case r.needed && (r.omitted != "" || r.def != ""):
				t.Errorf("%s is needed and may be absent", where)
			case r.def != "" && r.omitted == "":
				t.Errorf("%s has a default and is never absent", where)
			case len(r.enum) > 0 && kind != reflect.String:
				t.Errorf("%s has an enum and is no text", where)
			case (r.min != nil || r.max != nil) && (kind < reflect.Int || kind > reflect.Uint64):
				t.Errorf("%s has bounds and is no integer", where)
			}
			for _, tag := range strings.Fields(string(f.Tag)) {
				if name, _, _ := strings.Cut(tag, ":"); !strings.Contains(" json needed enum min max default ", " "+name+" ") {
					t.Errorf("%s has the tag %s", where, name)
				}
			}
		}
	})
	if seen < 80 {
		t.Errorf("only %d fields have rules", seen)
	}
}

// What may be asked for is explained, field by field: by a comment, by its type's, or by its own type.
func TestFieldsOfRequestsAreExplained(t *testing.T) {
	d := readDocs(t)
	for s := range requestTypes() {
		for i := range s.NumField() {
			f := s.Field(i)
			elem := f.Type
			for elem.Kind() == reflect.Pointer || elem.Kind() == reflect.Slice {
				elem = elem.Elem()
			}
			named := strings.Contains(d[s.Name()], f.Name) || s.NumField() == 1
			if !f.Anonymous && d[s.Name()+"."+f.Name] == "" && !named && elem.Kind() != reflect.Struct && f.Tag.Get("enum") == "" {
				t.Errorf("%s.%s needs a comment", s.Name(), f.Name)
			}
		}
	}
}
