package proto

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// compare holds a generated file against what the code makes, or rewrites it.
func compare(t *testing.T, name string, fresh []byte) {
	t.Helper()
	old, err := os.ReadFile(name)
	if err == nil && bytes.Equal(old, fresh) {
		return
	}
	if !*update {
		t.Fatalf("%s differs from the code: run the test with -update and read the diff (%v)", name, err)
	}
	if err := os.WriteFile(name, fresh, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestReferenceIsUpToDate: REFERENCE.md is made from the registry, the structs and their comments.
func TestReferenceIsUpToDate(t *testing.T) {
	w := writer{t: t, docs: readDocs(t)}
	var b strings.Builder
	fmt.Fprintf(&b, referenceHead, Major, Minor)
	w.contents(&b)
	for _, target := range targets() {
		w.object(&b, target)
	}
	w.control(&b)
	b.WriteString("## Types\n\n")
	w.types(&b)
	compare(t, "REFERENCE.md", []byte(strings.TrimSuffix(b.String(), "\n")))
}

const referenceHead = `# Reference of the channel protocol, version %d.%d

Made from the Go structs of this package and their comments; a test fails when it is not. [PROTOCOL.md](PROTOCOL.md) is the normative text
around it: frames, envelopes, errors, order. [schema.json](schema.json) says the same as this page to programs, as JSON Schema.

In the tables of types, *needed* is what a request is refused without. A field that is *optional* may be absent, which means nothing is said, or
the value that stands there; so may one with a *default*. All other fields are there in what the worker writes; absent in a request, they are
0, false or empty. Lists and maps that are empty may be nil.

`

// targets are the kinds of objects that requests are addressed to, in the order of the registry.
func targets() (list []string) {
	for _, m := range Methods {
		if !slices.Contains(list, m.Target) {
			list = append(list, m.Target)
		}
	}
	return list
}

func (w writer) contents(b *strings.Builder) {
	var links []string
	for _, t := range targets() {
		links = append(links, fmt.Sprintf("[%s](#%s)", t, strings.ToLower(t)))
	}
	fmt.Fprintf(b, "Objects: %s. The controller's: [control API](#control-api).\n\n", strings.Join(links, " · "))
	var types []reflect.Type
	walkTypes(func(t reflect.Type) { types = append(types, t) })
	slices.SortFunc(types, func(a, b reflect.Type) int { return cmp.Compare(strings.ToLower(a.Name()), strings.ToLower(b.Name())) })
	links = links[:0]
	for _, t := range types {
		links = append(links, w.kind(t))
	}
	fmt.Fprintf(b, "Types: %s.\n\n", strings.Join(links, " · "))
}

// object writes what may be asked of one kind of object, what it tells, and what it may be told.
func (w writer) object(b *strings.Builder, target string) {
	fmt.Fprintf(b, "## %s\n\n", target)
	if target == "worker" {
		b.WriteString("The handler id is empty.\n\n")
	}
	b.WriteString("| request | what it does | body | answer |\n|---|---|---|---|\n")
	for _, m := range Methods {
		if m.Target == target {
			answer := w.body(m.Response)
			for _, v := range m.Others {
				answer += ", of " + v.Of + " " + w.body(v.Response)
			}
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", m.Name, w.meaning(m.Name), w.body(m.Request), answer)
		}
	}
	b.WriteString("\n")
	w.told(b, target)
	rows := ""
	for _, n := range Notifications {
		if n.Target == target {
			rows += fmt.Sprintf("| `%s` | %s | %s |\n", n.Name, w.meaning(n.Name), binary(w.body(n.Meta), n.Payload))
		}
	}
	if rows != "" {
		b.WriteString("| notification to it | what it does | body |\n|---|---|---|\n" + rows + "\n")
	}
}

// told writes the events of one kind of object.
func (w writer) told(b *strings.Builder, target string) {
	classes := map[Class]string{State: "state", Coalesce: "coalesced", Lossy: "lossy"}
	rows := ""
	for _, e := range Events {
		if e.Target == target {
			body := w.body(e.Body)
			if e.Payload != "" {
				body = binary(body, e.Payload)
			}
			rows += fmt.Sprintf("| `%s` | %s | %s | %s |\n", e.Name, w.meaning(e.Name), body, classes[Event{Name: e.Name}.Class()])
		}
	}
	if rows != "" {
		b.WriteString("| event | what happened | body | class |\n|---|---|---|---|\n" + rows + "\n")
	}
}

// binary is the body of a binary notification in words.
func binary(meta, payload string) string {
	if meta == "–" {
		return "binary: " + payload
	}
	return "binary: " + payload + ", meta " + meta
}

// meaning is the comment of the constant of a method, event or notification.
func (w writer) meaning(name string) string {
	said := w.docs["="+name]
	if said == "" {
		w.t.Errorf("%s says nothing about itself: its constant needs a comment", name)
	}
	return said
}

func (w writer) types(b *strings.Builder) {
	walkTypes(func(t reflect.Type) {
		if w.docs[t.Name()] == "" {
			w.t.Errorf("%s has no comment", t.Name())
		}
		fmt.Fprintf(b, "### %s\n\n%s\n\n| field | type | | |\n|---|---|---|---|\n", t.Name(), ofType(t, w.docs[t.Name()]))
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Anonymous {
				fmt.Fprintf(b, "| all fields of %s | | | |\n", w.kind(f.Type))
				continue
			}
			r := ruleOf(w.t, f)
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", r.key, w.described(f.Type, r), r.presence(), asKeys(t, w.docs[t.Name()+"."+f.Name]))
		}
		b.WriteString("\n")
	})
}

// ofType writes the comment of a type, which begins with its name: that is no field's, though one may have the same.
func ofType(t reflect.Type, doc string) string {
	if rest, ok := strings.CutPrefix(doc, t.Name()+" "); ok {
		return t.Name() + " " + asKeys(t, rest)
	}
	return asKeys(t, doc)
}

// described is a field's type in words, with the values it may have.
func (w writer) described(t reflect.Type, r rule) string {
	kind := w.kind(t)
	if len(r.enum) > 0 {
		return kind + ": `" + strings.Join(r.enum, "`, `") + "`"
	}
	low, high := r.bounds(t)
	switch {
	case r.min == nil && r.max == nil:
		return kind
	case high == nil:
		return fmt.Sprintf("integer ≥ %d", *low)
	case low == nil:
		return fmt.Sprintf("integer ≤ %d", *high)
	}
	return fmt.Sprintf("integer %d … %d", *low, *high)
}

var (
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	link    = regexp.MustCompile(`\]\(([\w.]*)(?:#([\w-]*))?\)`)
	mark    = regexp.MustCompile(`[^\w -]`)
)

// Every link from one of the pages to a place in one of them leads there.
func TestLinksLeadSomewhere(t *testing.T) {
	pages := map[string]string{"PROTOCOL.md": "", "REFERENCE.md": ""}
	places := map[string]bool{"schema.json#": true}
	for name := range pages {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		pages[name] = string(b)
		places[name+"#"] = true
		for _, h := range heading.FindAllStringSubmatch(pages[name], -1) {
			places[name+"#"+strings.ReplaceAll(mark.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-")] = true
		}
	}
	for name, page := range pages {
		for _, l := range link.FindAllStringSubmatch(page, -1) {
			if to := cmp.Or(l[1], name) + "#" + l[2]; !places[to] {
				t.Errorf("%s links to %s, which is not there", name, to)
			}
		}
	}
}
