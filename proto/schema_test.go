package proto

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gazpacho/pkg/simtest/schema"
)

// object is a JSON object whose keys keep their order.
type object []member

type member struct {
	key   string
	value any
}

func (o object) MarshalJSON() ([]byte, error) {
	b := []byte("{")
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		value, err := marshal(m.value)
		if err != nil {
			return nil, err
		}
		b = append(strconv.AppendQuote(b, m.key), ':')
		b = append(b, value...)
	}
	return append(b, '}'), nil
}

// marshal is json.Marshal without escapes for HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// TestSchemaIsUpToDate: schema.json is made from the registry, the structs, their tags and comments.
func TestSchemaIsUpToDate(t *testing.T) {
	w := schemaWriter{t: t, docs: readDocs(t), requests: requestTypes()}
	b, err := marshal(w.document())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		t.Fatal(err)
	}
	out.WriteByte('\n')
	compare(t, "schema.json", out.Bytes())
}

type schemaWriter struct {
	t        *testing.T
	docs     docs
	requests map[reflect.Type]bool
}

func (w schemaWriter) document() object {
	var methods, events, notifications, defs object
	for _, m := range Methods {
		answers := []any{w.body(m.Response)}
		for _, v := range m.Others {
			answers = append(answers, w.body(v.Response))
		}
		answer := answers[0]
		if len(answers) > 1 {
			answer = object{{"anyOf", answers}}
		}
		methods = append(methods, member{m.Name, object{
			{"description", w.docs["="+m.Name]}, {"target", m.Target}, {"request", w.request(m.Request)}, {"response", answer},
		}})
	}
	for _, e := range Events {
		o := object{{"description", w.docs["="+e.Name]}, {"target", e.Target}, {"body", w.body(e.Body)}}
		if e.Payload != "" {
			o = append(o, member{"payload", e.Payload})
		}
		events = append(events, member{e.Name, o})
	}
	for _, n := range Notifications {
		notifications = append(notifications, member{n.Name, object{
			{"description", w.docs["="+n.Name]}, {"target", n.Target}, {"body", w.body(n.Meta)}, {"payload", n.Payload},
		}})
	}
	walkTypes(func(t reflect.Type) { defs = append(defs, member{t.Name(), w.definition(t)}) })
	return object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"title", "Bodies of the channel protocol"},
		{"description", "Made from the Go structs of package proto. The version is major.minor of the protocol; methods, events and notifications lead to the definitions of their bodies by Go type, which PROTOCOL.md and REFERENCE.md explain."},
		{"version", Current},
		{"methods", methods},
		{"events", events},
		{"notifications", notifications},
		{"controlMethods", w.controlMethods()},
		{"controlEvents", w.controlEvents()},
		{"controlOrigin", w.typ(reflect.TypeFor[Origin]())},
		{"$defs", defs},
	}
}

// request is the schema of a request's body. Where there is none, an empty map is as good as nil.
func (w schemaWriter) request(v any) object {
	if v == nil {
		return object{{"type", []string{"object", "null"}}}
	}
	return w.body(v)
}

// body is the schema of a body; who has none sends nil.
func (w schemaWriter) body(v any) object {
	if v == nil {
		return object{{"type", "null"}}
	}
	return w.typ(reflect.TypeOf(v))
}

func (w schemaWriter) definition(t reflect.Type) object {
	o := object{{"description", plainText(ofType(t, w.docs[t.Name()]))}, {"type", "object"}}
	var properties object
	var parts, required []any
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			parts = append(parts, w.typ(f.Type))
			continue
		}
		r := ruleOf(w.t, f)
		properties = append(properties, member{r.key, w.property(f, r, plainText(asKeys(t, w.docs[t.Name()+"."+f.Name])))})
		// A codec takes what is absent from a request for zero, so what is required there is what a worker refuses to do without.
		if r.needed || r.omitted == "" && !w.requests[t] {
			required = append(required, r.key)
		}
	}
	if parts != nil {
		o = append(o, member{"allOf", parts})
	}
	if properties != nil {
		o = append(o, member{"properties", properties})
	}
	if required != nil {
		o = append(o, member{"required", required})
	}
	return o
}

func (w schemaWriter) property(f reflect.StructField, r rule, doc string) object {
	o := object{}
	if doc != "" {
		o = append(o, member{"description", doc})
	}
	if f.Type.Kind() == reflect.Struct || f.Type.Kind() == reflect.Pointer && f.Type.Elem().Kind() == reflect.Struct {
		return append(o, w.typ(f.Type)...)
	}
	low, high := r.bounds(f.Type)
	for _, m := range w.typ(f.Type) {
		switch {
		case m.key == "minimum" || m.key == "maximum": // of the type; r.bounds has them
		case m.key == "type" && r.needed:
			o = append(o, member{"type", m.value.(string)})
		case m.key == "type" && (f.Type.Kind() == reflect.Slice || f.Type.Kind() == reflect.Map) && f.Type != reflect.TypeFor[Blob]():
			o = append(o, member{"type", []string{m.value.(string), "null"}})
		default:
			o = append(o, m)
		}
	}
	if low != nil {
		o = append(o, member{"minimum", *low})
	}
	if high != nil {
		o = append(o, member{"maximum", *high})
	}
	if len(r.enum) > 0 {
		values := r.enum
		if r.omitted == "empty" {
			values = append(values, "") // is absent
		}
		o = append(o, member{"enum", values})
	}
	if r.needed {
		switch f.Type.Kind() {
		case reflect.String:
			o = append(o, member{"minLength", 1})
		case reflect.Slice:
			o = append(o, member{"minItems", 1})
		}
	}
	if r.def != "" {
		o = append(o, member{"default", w.value(f.Type, r.def)})
	}
	return o
}

// value is a default as JSON.
func (w schemaWriter) value(t reflect.Type, s string) any {
	if t.Kind() == reflect.String {
		return s
	}
	if !json.Valid([]byte(s)) {
		w.t.Errorf("the default %s is no %s", s, t)
	}
	return json.RawMessage(s)
}

// typ is the schema of a Go type.
func (w schemaWriter) typ(t reflect.Type) object {
	switch t.Kind() {
	case reflect.Bool:
		return object{{"type", "boolean"}}
	case reflect.String:
		return object{{"type", "string"}}
	case reflect.Float64:
		return object{{"type", "number"}}
	case reflect.Int, reflect.Int64:
		return object{{"type", "integer"}}
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return object{{"type", "integer"}, {"minimum", 0}, {"maximum", uint64(1)<<t.Bits() - 1}}
	case reflect.Uint64:
		return object{{"type", "integer"}, {"minimum", 0}}
	case reflect.Interface:
		return object{}
	case reflect.Pointer:
		return w.typ(t.Elem())
	case reflect.Slice:
		if t == reflect.TypeFor[Blob]() {
			return object{{"type", "string"}, {"contentEncoding", "base64"}}
		}
		return object{{"type", "array"}, {"items", w.typ(t.Elem())}}
	case reflect.Map:
		return object{{"type", "object"}, {"additionalProperties", w.typ(t.Elem())}}
	case reflect.Struct:
		return object{{"$ref", "#/$defs/" + t.Name()}}
	}
	w.t.Fatalf("no schema of %s", t)
	return nil
}

// plainText is a comment without the marks of a table.
func plainText(s string) string { return strings.ReplaceAll(s, `\|`, "|") }

func readSchema(t *testing.T) *schema.Document {
	t.Helper()
	b, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	d, err := schema.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// vector is a body of testdata, or a frame.
type vector struct {
	Name, Type string
	Body       any
	Envelope   []any
}

func readVectors(t *testing.T, name string) (list []vector) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&list); err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i].Body = unhex(list[i].Body)
	}
	return list
}

// unhex writes binary as the schema has it, instead of as the vectors do.
func unhex(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["$hex"]; ok && len(v) == 1 {
			return ""
		}
		for k := range v {
			v[k] = unhex(v[k])
		}
	case []any:
		for i := range v {
			v[i] = unhex(v[i])
		}
	}
	return v
}

// place is where a kind of body is in the schema: the name of a body vector is that of a method and which body of it, or of an event.
func place(name string) string {
	what, which, _ := strings.Cut(name, " ")
	for _, n := range Notifications {
		if n.Name == what {
			return "#/notifications/" + what + "/body"
		}
	}
	switch {
	case which == "request":
		return "#/methods/" + what + "/request"
	case strings.HasPrefix(which, "response"):
		return "#/methods/" + what + "/response"
	}
	return "#/events/" + what + "/body"
}

// Every vector is valid by the schema where its body is used.
func TestSchemaTakesTheVectors(t *testing.T) {
	d := readSchema(t)
	bodies := readVectors(t, "bodies.json")
	for _, v := range bodies {
		if err := d.Validate(place(v.Name), v.Body); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
	frames, seen := readVectors(t, "frames.json"), 0
	methods := map[string]string{} // by id of their requests
	for _, v := range frames {
		var err error
		switch e := v.Envelope; e[0].(json.Number) {
		case "0":
			methods[e[1].(json.Number).String()] = e[2].(string)
			if e[4] != nil {
				err = d.Validate("#/methods/"+e[2].(string)+"/request", e[4])
			}
		case "1":
			if e[2] != nil {
				err = d.Validate("#/$defs/Error", e[2])
			} else {
				err = d.Validate("#/methods/"+methods[e[1].(json.Number).String()]+"/response", e[3])
			}
		case "2", "3":
			err = d.Validate("#/events/"+e[1].(string)+"/body", e[3])
		default:
			continue
		}
		seen++
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
	if len(bodies) < 90 || seen < 10 {
		t.Errorf("only %d bodies and %d frames were seen", len(bodies), seen)
	}
}

// unsayable are refusals of what JSON has no words for: there a whole float is an integer, binary is text, and text is UTF-8.
var unsayable = []string{"float for an integer", "binary for text", "text that is no UTF-8"}

// What a worker refuses to decode is not valid either, where JSON can say it.
func TestSchemaRefusesWhatTheWorkerRefuses(t *testing.T) {
	d := readSchema(t)
	seen := 0
	for _, v := range readVectors(t, "refused.json") {
		if v.Body == nil || slices.Contains(unsayable, v.Name) {
			continue
		}
		seen++
		if d.Validate("#/$defs/"+v.Type, v.Body) == nil {
			t.Errorf("%s passes", v.Name)
		}
	}
	if seen < 8 {
		t.Errorf("only %d refusals were seen", seen)
	}
}

// The schema is what the structs are: it must not take what lacks a field, or has one of a wrong type.
func TestSchemaIsStrict(t *testing.T) {
	d := readSchema(t)
	wrong := []any{true, json.Number("1"), "x", []any{}, map[string]any{}}
	for _, v := range readVectors(t, "bodies.json") {
		at := place(v.Name)
		if strings.Contains(v.Name, " response") && !strings.HasPrefix(v.Type, "[]") {
			at = "#/$defs/" + v.Type // the answer may be of other types, too, which lack the field
		}
		for _, w := range wrong {
			if reflect.TypeOf(w) != reflect.TypeOf(v.Body) && d.Validate(at, w) == nil {
				t.Errorf("%s may be %T", v.Name, w)
			}
		}
		fields, ok := v.Body.(map[string]any)
		if !ok {
			continue
		}
		for key, value := range fields {
			for _, w := range wrong {
				fields[key] = w
				if reflect.TypeOf(w) != reflect.TypeOf(value) && d.Validate(at, fields) == nil {
					t.Errorf("%s: .%s may be %T", v.Name, key, w)
				}
			}
			fields[key] = value
		}
	}
}
