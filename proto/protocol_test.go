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

var update = flag.Bool("update", false, "rewrite what is generated: parts of PROTOCOL.md, REFERENCE.md and schema.json")

// section finds a generated part of PROTOCOL.md.
var section = regexp.MustCompile(`(?s)<!-- generated: (\w+) -->\n.*?<!-- end -->`)

// TestProtocolTablesAreUpToDate: the tables of PROTOCOL.md are made from the code, its comments and the vectors, so they cannot go
// stale.
func TestProtocolTablesAreUpToDate(t *testing.T) {
	w := writer{t: t, docs: readDocs(t)}
	parts := map[string]func() string{
		"errors": w.errors, "session": w.session, "drops": w.drops,
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
			if len(spec.Values) == 1 {
				if l, ok := spec.Values[0].(*ast.BasicLit); ok && l.Kind == token.STRING {
					d["="+strings.Trim(l.Value, `"`)] = line(spec.Comment.Text())
				}
			}
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

func (w writer) drops() string {
	var b strings.Builder
	b.WriteString("| reason | of a | |\n|---|---|---|\n")
	for _, r := range DropReasons {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.Name, r.Unit, r.Text)
	}
	return b.String()
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

func TestTableMakerSeesComments(t *testing.T) {
	d := readDocs(t)
	for name, want := range map[string]string{
		"ListenInfo.IP":           "an address of this machine, or 0.0.0.0 or ::, or a multicast group",
		"=transport.produce":      "expects media from the peer",
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
