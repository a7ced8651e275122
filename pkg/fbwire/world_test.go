package fbwire

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"
)

// latest is the newest version there are tests with; versions are one of each generation of the schema, and some between.
const latest = "3.27.1"

var versions = []string{"3.14.16", "3.16.6", "3.18.1", "3.19.3", "3.19.7", "3.19.11", "3.19.18", "3.21.0", "3.24.1", latest}

var schemas sync.Map // version to func() (*Schema, error)

// schemaDir returns the directory of a version's schema. It is npm's, and kept in the cache.
func schemaDir(version string) (string, error) {
	out, err := exec.Command("../../scripts/mediasoup.sh", "schema", version).Output()
	if err != nil {
		if e, ok := err.(*exec.ExitError); ok {
			err = fmt.Errorf("%w: %s", err, e.Stderr)
		}
		return "", fmt.Errorf("mediasoup %s is needed from npm: %w", version, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// schemaOf returns a version's schema. Nobody changes it.
func schemaOf(tb testing.TB, version string) *Schema {
	tb.Helper()
	load, _ := schemas.LoadOrStore(version, sync.OnceValues(func() (*Schema, error) {
		dir, err := schemaDir(version)
		if err != nil {
			return nil, err
		}
		return Load(dir)
	}))
	s, err := load.(func() (*Schema, error))()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func codecOf(tb testing.TB, version string) *Codec {
	tb.Helper()
	c, err := Compile(schemaOf(tb, version), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// changed parses a version's schema after its text was changed; no change at all is a fault of the test.
func changed(t *testing.T, version string, replace ...string) (*Schema, error) {
	t.Helper()
	dir, err := schemaDir(version)
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.fbs"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	hit := false
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		now := strings.NewReplacer(replace...).Replace(string(text))
		hit = hit || now != string(text)
		files[filepath.Base(name)] = now
	}
	if !hit {
		t.Fatalf("%q is not in the schema", replace)
	}
	return Parse(files)
}

// word is what a generator writes into a table: field names to scalars, strings, lists and tables.
type word map[string]any

// generator makes values for any table of a schema. Every field is set, numbers are small and none is zero, so that what is lost is seen.
type generator struct {
	b *flatbuffers.Builder
	n int
}

func (g *generator) next() int { g.n++; return g.n%100 + 1 }

// table writes a table, and returns where it is and what is in it.
func (g *generator) table(t *Table) (flatbuffers.UOffsetT, word) {
	w := word{}
	offsets := map[*Field]flatbuffers.UOffsetT{}
	numbers := map[*Field]uint64{}
	for _, f := range t.Fields {
		switch f.Type.Kind {
		case UnionRef:
			arms := f.Type.Enum.Values[1:]
			arm := arms[g.next()%len(arms)]
			if arm.Name == "BaseStats" || t.Name == root+"RtpStream.Stats" { // statistics of one way contain the base of both
				arm = *f.Type.Enum.arm("SendStats")
			}
			off, inner := g.table(arm.Table)
			offsets[f], numbers[f], w[f.Name] = off, uint64(arm.Number), word{arm.Name: inner}
		default:
			if f.Type.Kind.scalar() {
				numbers[f], w[f.Name] = g.scalar(f.Type)
				if t.Name == root+"RtpParameters.Boolean" {
					numbers[f], w[f.Name] = 1, uint64(1)
				}
			} else if f.Name == "base" && f.Type.Table != nil && f.Type.Table.Name == root+"RtpStream.Stats" {
				offsets[f], w[f.Name] = g.baseStats(f.Type.Table)
			} else {
				offsets[f], w[f.Name] = g.part(f.Type)
			}
		}
	}
	g.b.StartObject(t.Slots)
	for _, f := range t.Fields {
		if f.Type.Kind.scalar() {
			prepend(g.b, f.Type.Kind, numbers[f])
			g.b.Slot(f.Slot)
			continue
		}
		g.b.PrependUOffsetTSlot(f.Slot, offsets[f], 0)
		if f.Type.Kind == UnionRef {
			g.b.PrependByteSlot(f.Slot-1, byte(numbers[f]), 0)
		}
	}
	return g.b.EndObject(), w
}

func (g *generator) baseStats(t *Table) (flatbuffers.UOffsetT, word) {
	data := t.field("data")
	arm := data.Type.Enum.arm("BaseStats")
	off, inner := g.table(arm.Table)
	g.b.StartObject(t.Slots)
	g.b.PrependUOffsetTSlot(data.Slot, off, 0)
	g.b.PrependByteSlot(data.Slot-1, byte(arm.Number), 0)
	return g.b.EndObject(), word{"data": word{arm.Name: inner}}
}

func (g *generator) scalar(t Type) (uint64, any) {
	n := uint64(g.next())
	switch {
	case t.Enum != nil:
		v := t.Enum.Values[n%uint64(len(t.Enum.Values))]
		return uint64(v.Number), uint64(v.Number)
	case t.Kind == Bool:
		return 1, uint64(1)
	case t.Kind == Float32:
		return uint64(0x3fc00000), 1.5
	case t.Kind == Float64:
		return 0x3ff8000000000000, 1.5
	}
	return n, n
}

// part writes what is not in a table itself.
func (g *generator) part(t Type) (flatbuffers.UOffsetT, any) {
	switch t.Kind {
	case String:
		text := fmt.Sprintf("s%03d", g.next())
		return g.b.CreateString(text), text
	case TableRef:
		return g.table(t.Table)
	}
	elem := *t.Elem
	var list []any
	if elem.Kind.scalar() {
		var bits []uint64
		for range 2 {
			n, v := g.scalar(elem)
			bits, list = append(bits, n), append(list, v)
		}
		g.b.StartVector(elem.Kind.size(), 2, elem.Kind.size())
		for i := 1; i >= 0; i-- {
			prepend(g.b, elem.Kind, bits[i])
		}
		return g.b.EndVector(2), list
	}
	var offsets []flatbuffers.UOffsetT
	for range 2 {
		// Lists of names come sorted.
		off, v := g.part(elem)
		offsets, list = append(offsets, off), append(list, v)
	}
	return g.b.CreateVectorOfTables(offsets), list
}

// read reads a table as the generator writes it. What is absent is left out.
func read(buf *buffer, o *object, t *Table) word {
	w := word{}
	for _, f := range t.Fields {
		size := f.Type.Kind.size()
		pos := buf.slot(o, f.Slot, size)
		switch {
		case f.Type.Kind.scalar():
			if pos != 0 {
				w[f.Name] = readScalar(buf, pos, f.Type.Kind)
			} else if bits, number, _ := defaultBits(f); !f.Optional && isFloat(f.Type.Kind) {
				w[f.Name] = number
			} else if !f.Optional {
				w[f.Name] = bits
			}
		case pos == 0:
		case f.Type.Kind == UnionRef:
			arm := buf.integer(buf.slot(o, f.Slot-1, 1), Uint8)
			v := f.Type.Enum.Values[arm]
			inner := buf.object(pos)
			w[f.Name] = word{v.Name: read(buf, &inner, v.Table)}
		default:
			w[f.Name] = readPart(buf, pos, f.Type)
		}
	}
	return w
}

func readScalar(buf *buffer, pos int, k Kind) any {
	if isFloat(k) {
		return buf.float(pos, k)
	}
	return buf.integer(pos, k)
}

func readPart(buf *buffer, pos int, t Type) any {
	switch t.Kind {
	case String:
		return string(buf.bytes(pos))
	case TableRef:
		o := buf.object(pos)
		return read(buf, &o, t.Table)
	}
	var list []any
	at, n := buf.vector(pos, t.Elem.Kind.size())
	for i := range n {
		if p := at + i*t.Elem.Kind.size(); t.Elem.Kind.scalar() {
			list = append(list, readScalar(buf, p, t.Elem.Kind))
		} else {
			list = append(list, readPart(buf, p, *t.Elem))
		}
	}
	return list
}

// envelopeOf wraps what a generator made as a library would.
func (g *generator) request(c *Codec, id uint32, method byte, handler string, arm byte, body flatbuffers.UOffsetT) []byte {
	name := g.b.CreateString(handler)
	g.b.StartObject(8)
	g.b.PrependUOffsetTSlot(c.envelope.requestBody, body, 0)
	g.b.PrependByteSlot(c.envelope.requestBody-1, arm, 0)
	g.b.PrependUOffsetTSlot(c.envelope.requestHandler, name, 0)
	g.b.PrependUint32Slot(c.envelope.requestID, id, 0)
	g.b.PrependByteSlot(c.envelope.requestMethod, method, 0)
	return g.message(c, c.envelope.request, g.b.EndObject())
}

func (g *generator) notice(c *Codec, number byte, handler string, arm byte, body flatbuffers.UOffsetT) []byte {
	c.notification(g.b, handler, number, arm, body)
	return g.take()
}

func (g *generator) message(c *Codec, kind byte, off flatbuffers.UOffsetT) []byte {
	c.envelope.finish(g.b, kind, off)
	return g.take()
}

// take returns the message with its length in front.
func (g *generator) take() []byte {
	b := bytes.Clone(g.b.FinishedBytes())
	g.b.Reset()
	return b
}

func newGenerator() *generator { return &generator{b: flatbuffers.NewBuilder(1024)} }
