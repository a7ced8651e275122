package fbwire

import (
	"reflect"

	flatbuffers "github.com/google/flatbuffers/go"

	"gazpacho/proto"
)

// Traces tell of packets in words, as maps whose keys depend on the type of the trace. The schema has a table for each type; fields the map has not
// are left out.

// encodeTraceInfo compiles the writing of a trace's info, in the arm that is named after its type.
func (c *compiler) encodeTraceInfo(f *Field) (*fieldEncoder, error) {
	arms := map[string]*mapEncoder{}
	numbers := map[string]byte{}
	for _, v := range f.Type.Enum.Values {
		if v.Table == nil {
			continue
		}
		plan, err := c.encodeWords(v.Table)
		if err != nil {
			return nil, err
		}
		arms[plain(v.Name)], numbers[plain(v.Name)] = plan, byte(v.Number)
	}
	return &fieldEncoder{union: func(e *encoder, v reflect.Value) (byte, flatbuffers.UOffsetT) {
		trace := v.Interface().(proto.TraceEvent)
		name := plain(trace.Type) + "traceinfo"
		if arms[name] == nil {
			return 0, 0 // of a type that has none
		}
		return numbers[name], arms[name].encode(e, trace.Info)
	}}, nil
}

// mapEncoder writes a map as a table.
type mapEncoder struct {
	slots  int
	fields []mapField
}

type mapField struct {
	key   string // in plain letters
	field *Field
	inner *mapEncoder // of a table
	words func(e *encoder, v reflect.Value) uint64
}

func (c *compiler) encodeWords(t *Table) (*mapEncoder, error) {
	plan := &mapEncoder{slots: t.Slots}
	for _, f := range t.Fields {
		one := mapField{key: plain(f.Name), field: f}
		switch {
		case f.Type.Kind == TableRef:
			inner, err := c.encodeWords(f.Type.Table)
			if err != nil {
				return nil, err
			}
			one.inner = inner
		case f.Type.Kind.scalar() && f.Type.Enum != nil:
			one.words = wordBits(f.Type.Enum)
		case !f.Type.Kind.scalar() && f.Type.Kind != String:
			continue
		}
		plan.fields = append(plan.fields, one)
	}
	return plan, nil
}

func (p *mapEncoder) encode(e *encoder, m map[string]any) flatbuffers.UOffsetT {
	values := make(map[string]any, len(m))
	for k, v := range m {
		values[plain(k)] = v
	}
	base := len(e.offsets)
	for i := range p.fields {
		f := &p.fields[i]
		switch text, isText := values[f.key].(string); {
		case f.inner != nil:
			inner, _ := values[f.key].(map[string]any)
			e.offsets = append(e.offsets, f.inner.encode(e, inner))
		case f.field.Type.Kind == String && (isText || f.field.Required):
			e.offsets = append(e.offsets, e.b.CreateString(text))
		default:
			e.offsets = append(e.offsets, 0)
		}
	}
	e.b.StartObject(p.slots)
	for i := range p.fields {
		f := &p.fields[i]
		if !f.field.Type.Kind.scalar() {
			e.b.PrependUOffsetTSlot(f.field.Slot, e.offsets[base+i], 0)
		} else if value, ok := values[f.key]; ok {
			f.put(e, value)
		}
	}
	e.offsets = e.offsets[:base]
	return e.b.EndObject()
}

// put writes a number, a truth value or a word. What is neither is left out.
func (f *mapField) put(e *encoder, value any) {
	v := reflect.ValueOf(value)
	write := f.words
	if write == nil {
		var err error
		if write, err = scalarBits(f.field.Type, v.Type()); err != nil {
			return
		}
	} else if v.Kind() != reflect.String {
		return
	}
	prepend(e.b, f.field.Type.Kind, write(e, v))
	e.b.Slot(f.field.Slot)
}
