package proto

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the generated parts of PROTOCOL.md")

// section finds a generated part of PROTOCOL.md.
var section = regexp.MustCompile(`(?s)<!-- generated: (\w+) -->\n.*?<!-- end -->`)

// TestProtocolTablesAreUpToDate: the tables of PROTOCOL.md are made from the structs, their comments and the vectors, so they
// cannot go stale.
func TestProtocolTablesAreUpToDate(t *testing.T) {
	w := writer{t: t, docs: readDocs(t)}
	parts := map[string]func() string{
		"errors": w.errors, "session": w.session, "methods": w.methods, "events": w.events, "types": w.types, "drops": w.drops,
	}
	old, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	fresh := section.ReplaceAllFunc(old, func(b []byte) []byte {
		name := string(section.FindSubmatch(b)[1])
		part := parts[name]
		if part == nil {
			t.Fatalf("PROTOCOL.md wants %q generated", name)
		}
		seen++
		return []byte("<!-- generated: " + name + " -->\n\n" + part() + "\n<!-- end -->")
	})
	if seen != len(parts) {
		t.Errorf("PROTOCOL.md has %d generated parts, want %d", seen, len(parts))
	}
	if bytes.Equal(fresh, old) {
		return
	}
	if !*update {
		t.Fatal("PROTOCOL.md differs from the code: run the test with -update and read the diff")
	}
	if err := os.WriteFile("PROTOCOL.md", fresh, 0o644); err != nil {
		t.Fatal(err)
	}
}

// docs are the comments of this package by type, and by type and field.
type docs map[string]string

func readDocs(t *testing.T) docs {
	t.Helper()
	d := docs{}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if g, ok := decl.(*ast.GenDecl); ok {
				d.add(g)
			}
		}
	}
	return d
}

func (d docs) add(g *ast.GenDecl) {
	for _, spec := range g.Specs {
		switch spec := spec.(type) {
		case *ast.ValueSpec:
			d[spec.Names[0].Name] = line(spec.Comment.Text())
		case *ast.TypeSpec:
			d[spec.Name.Name] = line(g.Doc.Text())
			s, ok := spec.Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, f := range s.Fields.List {
				for _, name := range f.Names {
					d[spec.Name.Name+"."+name.Name] = line(f.Doc.Text() + f.Comment.Text())
				}
			}
		}
	}
}

// line is a comment as one line of a table.
func line(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`)
}

// writer makes the generated parts.
type writer struct {
	t    *testing.T
	docs docs
}

func (w writer) errors() string {
	var b strings.Builder
	b.WriteString("| code | meaning |\n|---|---|\n")
	f, err := parser.ParseFile(token.NewFileSet(), "error.go", nil, parser.ParseComments)
	if err != nil {
		w.t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(s.Names[0].Name, "Code") {
			meaning := line(s.Comment.Text())
			if meaning == "" {
				w.t.Errorf("%s says nothing about itself", s.Names[0].Name)
			}
			fmt.Fprintf(&b, "| `%s` | %s |\n", strings.Trim(s.Values[0].(*ast.BasicLit).Value, `"`), meaning)
		}
		return true
	})
	return b.String()
}

// session shows some frames of the vectors.
func (w writer) session() string {
	raw, err := os.ReadFile("testdata/frames.json")
	if err != nil {
		w.t.Fatal(err)
	}
	var frames []struct {
		Name     string
		Envelope json.RawMessage
		Hex      string
	}
	if err := json.Unmarshal(raw, &frames); err != nil {
		w.t.Fatal(err)
	}
	var b strings.Builder
	for _, show := range []struct{ from, name string }{
		{"worker", "hello"},
		{"controller", "attach"},
		{"worker", "answer to attach"},
		{"controller", "request without a body"},
		{"worker", "response without a result"},
		{"worker", "response with an error that names a field"},
		{"worker", "event"},
		{"worker", "binary notification"},
		{"worker", "log"},
	} {
		found := false
		for _, f := range frames {
			if f.Name != show.name {
				continue
			}
			found = true
			var compact bytes.Buffer
			if err := json.Compact(&compact, f.Envelope); err != nil {
				w.t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s, %s:\n\n```\n%s\n%s\n```\n\n", show.from, show.name, compact.String(), wrap(f.Hex))
		}
		if !found {
			w.t.Errorf("the vectors have no %q", show.name)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// wrap breaks hex into lines, the length of the frame in front.
func wrap(s string) string {
	lines := []string{s[:8]}
	for s = s[8:]; s != ""; {
		n := min(len(s), 96)
		lines = append(lines, s[:n])
		s = s[n:]
	}
	lines[0] += " " + lines[1]
	return strings.Join(append(lines[:1], lines[2:]...), "\n         ")
}

func (w writer) methods() string {
	var b strings.Builder
	b.WriteString("| method | handler id of | body | result |\n|---|---|---|---|\n")
	for _, m := range Methods {
		result := w.body(m.Response)
		if m.PlainResponse != nil {
			result += ", of a plain transport " + w.body(m.PlainResponse)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, handlerOf(m.Target), w.body(m.Request), result)
	}
	return b.String()
}

func (w writer) events() string {
	classes := map[Class]string{State: "state", Coalesce: "coalesced", Lossy: "lossy"}
	var b strings.Builder
	b.WriteString("| event | handler id of | body | class |\n|---|---|---|---|\n")
	for _, e := range Events {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", e.Name, handlerOf(e.Target), w.body(e.Body), classes[Event{Name: e.Name}.Class()])
	}
	return b.String()
}

func (w writer) drops() string {
	var b strings.Builder
	b.WriteString("| reason | of a | |\n|---|---|---|\n")
	for _, r := range DropReasons {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.Name, r.Unit, r.Text)
	}
	return b.String()
}

func handlerOf(target string) string {
	if target == "worker" {
		return "– (empty)"
	}
	return target
}

func (w writer) body(v any) string {
	if v == nil {
		return "–"
	}
	return w.kind(reflect.TypeOf(v))
}

// kind is a type in words.
func (w writer) kind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "text"
	case reflect.Float64:
		return "number"
	case reflect.Int, reflect.Int64:
		return "integer"
	case reflect.Uint64:
		return "integer ≥ 0"
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return fmt.Sprintf("integer 0 … %d", uint64(1)<<t.Bits()-1)
	case reflect.Interface:
		return "anything"
	case reflect.Pointer:
		return w.kind(t.Elem())
	case reflect.Slice:
		if t == reflect.TypeFor[Blob]() {
			return "bytes"
		}
		return "list of " + w.kind(t.Elem())
	case reflect.Map:
		return "map of " + w.kind(t.Elem())
	case reflect.Struct:
		return fmt.Sprintf("[%s](#%s)", t.Name(), strings.ToLower(t.Name()))
	}
	w.t.Fatalf("no words for %s", t)
	return ""
}

func (w writer) types() string {
	var b strings.Builder
	walkTypes(func(t reflect.Type) {
		if w.docs[t.Name()] == "" {
			w.t.Errorf("%s has no comment", t.Name())
		}
		fmt.Fprintf(&b, "### %s\n\n%s\n\n| field | type | | |\n|---|---|---|---|\n", t.Name(), asKeys(t, w.docs[t.Name()]))
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Anonymous {
				fmt.Fprintf(&b, "| all fields of %s | | | |\n", w.kind(f.Type))
				continue
			}
			tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", tag, w.kind(f.Type), optional(f.Type, options), asKeys(t, w.docs[t.Name()+"."+f.Name]))
		}
		b.WriteString("\n")
	})
	return strings.TrimSuffix(b.String(), "\n")
}

// asKeys writes the fields a comment names as readers of the wire know them.
func asKeys(t reflect.Type, doc string) string {
	return word.ReplaceAllStringFunc(doc, func(name string) string {
		f, ok := t.FieldByName(name)
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); ok && tag != "" {
			return "`" + tag + "`"
		}
		return name
	})
}

var word = regexp.MustCompile(`\b[A-Z]\w+`)

// optional tells whether a field may be absent, and which value that means.
func optional(t reflect.Type, options string) string {
	if options != "omitempty" {
		return ""
	}
	switch t.Kind() {
	case reflect.Bool:
		return "optional: false"
	case reflect.String:
		return "optional: empty"
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return "optional"
	}
	return "optional: 0"
}

func TestTableMakerSeesComments(t *testing.T) {
	d := readDocs(t)
	for name, want := range map[string]string{
		"ListenInfo.Protocol":     "udp or tcp",
		"TransportStats.Drops":    "Drops counts what went no further, by reason; those of received datagrams, together with what was handled, add up to what was received.",
		"CodeBusy":                "another controller is attached, or a port is taken",
		"CloseTransport":          "CloseTransport is the body of router.closeTransport.",
		"ProducerDump.RTPStreams": "",
	} {
		if d[name] != want {
			t.Errorf("%s: got %q", name, d[name])
		}
	}
}
