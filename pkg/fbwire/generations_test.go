package fbwire

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gazpacho/proto"
)

// mapped is a body of the schema and the type of ours that it is.
type mapped struct {
	name  string
	table *Table
	typ   reflect.Type
}

// bodies are all bodies of a codec's methods, answers, events and notifications.
func bodies(c *Codec) (list []mapped) {
	arm := func(union *Enum, number byte) *Table { return union.Values[number].Table }
	for _, m := range c.answers {
		if m.body != nil {
			list = append(list, mapped{m.name, arm(c.envelope.requestBodies, m.arm), m.typ})
		}
		for typ, a := range m.results {
			list = append(list, mapped{"answer of " + m.name, arm(c.envelope.responseBodies, a.arm), typ})
		}
	}
	for name, e := range c.events {
		if e.encode != nil {
			list = append(list, mapped{name, arm(c.envelope.noticeBodies, e.arm), e.typ})
		}
	}
	for _, n := range c.notices {
		if n != nil && n.meta != nil {
			list = append(list, mapped{n.name, arm(c.envelope.noticeBodies, n.arm), n.typ})
		}
	}
	slices.SortFunc(list, func(a, b mapped) int { return strings.Compare(a.name+a.typ.String(), b.name+b.typ.String()) })
	return list
}

// unknown are fields that nothing of ours is. The worker reads none of them; those it should write are absent, or empty if they are required.
var unknown = map[string]bool{
	"DataProducer.GetStatsResponse.buffered_amount":      true, // producers wait for nobody
	"WebRtcServer.DumpResponse.tuple_hashes":             true, // until 3.20
	"Worker.DumpResponse.liburing":                       true, // until 3.20
	"SctpParameters.SctpParameters.sctp_buffered_amount": true, // until 3.20
	"Transport.Options.direct":                           true, // the method says it
	"Transport.Options.is_data_channel":                  true, // the kind of transport says it
	"RtpParameters.EncodingMapping.scalability_mode":     true, // until 3.26; the encoding says it
}

// irrelevant are options of transports that a direct one, and in part those without ICE, have no use for.
var irrelevant = map[string]bool{
	"initial_available_outgoing_bitrate": true, "enable_sctp": true, "num_sctp_streams": true, "sctp_send_buffer_size": true,
	"sctp_per_stream_send_queue_limit": true, "sctp_max_receiver_window_buffer_size": true, "sctp_default_stream_buffered_amount_low_threshold": true,
}

// Every field of every body of every generation is read into a struct of ours and written from it again, but for those above.
func TestEveryFieldOfEveryGeneration(t *testing.T) {
	hooks := decoded
	decoded = nil // they change what they read
	defer func() { decoded = hooks }()
	met := map[string]bool{}
	for _, version := range versions {
		codec := codecOf(t, version)
		list := bodies(codec)
		if len(list) < 90 {
			t.Errorf("%s has %d bodies only", version, len(list))
		}
		for _, m := range list {
			for _, f := range lost(t, codec, version, m) {
				met[f] = true
				if !unknown[f] {
					t.Errorf("%s: %s: %s is lost", version, m.name, f)
				}
			}
		}
	}
	for f := range unknown {
		if !met[f] {
			t.Errorf("%s is not lost, or there is none", f)
		}
	}
}

// lost sends a body there and back, and returns what is missing or another then.
func lost(t *testing.T, codec *Codec, version string, m mapped) []string {
	t.Helper()
	comp := &compiler{codec: codec, decoders: map[pair]*objectDecoder{}, encoders: map[pair]*objectEncoder{}}
	g := newGenerator()
	off, sent := g.table(m.table)
	g.b.Finish(off)
	d := decoder{buffer: newBuffer(g.b.FinishedBytes())}
	v := reflect.New(m.typ).Elem()
	o := d.object(0)
	if !decodeWhole(t, comp, m, &d, &o, v) {
		t.Errorf("%s: %s: %v", version, m.name, d.err())
		return nil
	}
	encode, err := comp.encodeRoot(m.table, m.typ)
	if err != nil {
		t.Fatal(err)
	}
	e := &encoder{b: newGenerator().b}
	e.b.Finish(encode(e, v))
	if e.wrong != "" {
		t.Errorf("%s: %s: %s", version, m.name, e.wrong)
		return nil
	}
	buf := newBuffer(e.b.FinishedBytes())
	o = buf.object(0)
	got := read(&buf, &o, m.table)
	if buf.bad {
		t.Errorf("%s: %s: what was written is damaged", version, m.name)
	}
	list := missingFields(m.table, sent, got)
	if m.typ == reflect.TypeFor[proto.WebRTCTransportOptions]() {
		// Here all options have a meaning.
		base := func(w word) word { return w["options"].(word)["base"].(word) }
		for f := range irrelevant {
			if !reflect.DeepEqual(base(sent)[f], base(got)[f]) {
				list = append(list, "Transport.Options."+f)
			}
		}
	}
	return list
}

// decodeWhole reads a body, also of those types that only go out.
func decodeWhole(t *testing.T, comp *compiler, m mapped, d *decoder, o *object, v reflect.Value) bool {
	t.Helper()
	if m.typ.Kind() == reflect.Struct {
		plan, err := comp.decodeTable(m.table, m.typ)
		if err != nil {
			t.Fatal(err)
		}
		return plan.decode(d, o, v)
	}
	if f := m.table.Fields[0]; len(m.table.Fields) == 1 && f.Type.Kind == Vector {
		list, err := comp.decodeValue(f.Type, m.typ)
		if err != nil {
			t.Fatal(err)
		}
		return list(d, d.slot(o, f.Slot, 4), v)
	}
	v.Set(reflect.MakeSlice(m.typ, 1, 1))
	plan, err := comp.decodeTable(m.table, m.typ.Elem())
	if err != nil {
		t.Fatal(err)
	}
	return plan.decode(d, o, v.Index(0))
}

// missingFields compares tables. Names are those of the innermost table.
func missingFields(t *Table, sent, got word) (list []string) {
	for _, f := range t.Fields {
		name := short(t.Name) + "." + f.Name
		want, has := sent[f.Name], got[f.Name]
		switch {
		case f.Type.Kind == UnionRef && f.Name == "info", f.Name == "data" && f.Type.Kind == Vector:
			// Traces only go out; packets are no part of a body of ours.
		case strings.HasPrefix(name, "Transport.Options.") && irrelevant[strings.TrimPrefix(name, "Transport.Options.")]:
			// All transports have the same options in the schema. Some mean nothing to some.
		case name == "Transport.Options.max_message_size":
			// Two sizes of theirs are one of ours; only one of them is set, ever.
		case f.Type.Kind == TableRef && has != nil:
			list = append(list, missingFields(f.Type.Table, want.(word), has.(word))...)
		case f.Type.Kind == UnionRef && has != nil:
			for arm, inner := range want.(word) {
				other, ok := has.(word)[arm].(word)
				if !ok {
					list = append(list, name)
					continue
				}
				list = append(list, missingFields(f.Type.Enum.arm(arm).Table, inner.(word), other)...)
			}
		case f.Type.Kind == Vector && f.Type.Elem.Kind == TableRef && len(asList(has)) == len(asList(want)):
			for i, one := range asList(want) {
				list = append(list, missingFields(f.Type.Elem.Table, one.(word), asList(has)[i].(word))...)
			}
		case !reflect.DeepEqual(want, has):
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func asList(v any) []any {
	list, _ := v.([]any)
	return list
}

// What a library knows by number is known here by the right name in every generation.
func TestNumbersOfEveryGeneration(t *testing.T) {
	for _, tt := range []struct {
		version       string
		method, event byte // router.dump, dataConsumer.message
		closing       string
	}{
		{"3.14.16", 9, 27, "request"},
		{"3.19.11", 9, 27, "request"},
		{"3.19.18", 8, 28, "notification"},
		{"3.21.0", 8, 29, "notification"},
		{latest, 8, 29, "notification"},
	} {
		c := codecOf(t, tt.version)
		if m := c.methods[tt.method]; m == nil || m.name != proto.RouterDumpMethod {
			t.Errorf("%s: method %d is %+v", tt.version, tt.method, m)
		}
		if n := c.events[proto.EventDataConsumerMessage].number; n != tt.event {
			t.Errorf("%s: dataConsumer.message is %d", tt.version, n)
		}
		closing := "notification"
		if c.answers[proto.WorkerClose] != nil {
			closing = "request"
		}
		if notice := c.notices[0]; closing != tt.closing || (notice != nil && notice.closing) != (closing == "notification") {
			t.Errorf("%s: a worker is closed by a %s, and event 0 is %+v", tt.version, closing, notice)
		}
	}
}

// A schema that lacks something needed is refused with a line that says what.
func TestNeededOfASchema(t *testing.T) {
	for _, tt := range []struct{ replace, by, says string }{
		{"ROUTER_DUMP,", "", "there is no method router.dump"},
		{"PRODUCER_SCORE,", "", "there is no event producer.score"},
		{"WORKER_RUNNING,", "", "there is no event WORKER_RUNNING"},
		{"\n    PRODUCER_SEND,", "", "there is no notification producer.send"},
		{"router_id: string (required);", "", "method WORKER_CREATE_ROUTER: schema: FBS.Worker.CreateRouterRequest has no field for routerId"},
		{"mapped_ssrc: uint32;", "mapped_ssrc: string;", "mapped_ssrc: schema: is not what uint32"},
		{"Router_DumpResponse: FBS.Router.DumpResponse,", "", "method ROUTER_DUMP: schema: there is no body for its answer, proto.RouterDump"},
		{"accepted: bool;", "", "FBS.Response.Response has no accepted of its type"},
		{"namespace FBS.Message;", "namespace FBS.Letter;", "there is no table FBS.Message.Message"},
		{"    pid: uint32;", "    pid: uint32;\n    mood: string (required);", "FBS.Worker.DumpResponse.mood: schema: is required, and unknown to this worker"},
		{"Integer32,", "", "FBS.RtpParameters.Value has no arm Integer32"},
	} {
		s, err := changed(t, latest, tt.replace, tt.by)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Compile(s, nil); err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("without %q: %v", tt.replace, err)
		}
	}
}

// What is required and unknown has no elements; what is not needed may come and go.
func TestUnknownOfASchema(t *testing.T) {
	s, err := changed(t, latest,
		"    pid: uint32;", "    moods: [string] (required);\n    pid: uint32;\n    mood: string;", "WORKER_DUMP = 0,", "WORKER_DUMP = 7,\n    WORKER_SING,")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Compile(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.methods[7].name != proto.WorkerDumpMethod || c.methods[8] != nil {
		t.Errorf("methods 7 and 8 are %+v, %+v", c.methods[7], c.methods[8])
	}
	e := &encoder{b: newGenerator().b}
	c.response(e, 5, proto.WorkerDumpMethod, proto.WorkerDump{PID: 9}, nil)
	got := fmt.Sprint(slices.Sorted(maps.Keys(readBody(t, c, s, e.b.FinishedBytes()))))
	if want := "[channel_message_handlers moods pid router_ids web_rtc_server_ids]"; got != want {
		t.Errorf("written: %s, want %s", got, want)
	}
}

// readBody reads the body of a message of ours, with its length in front.
func readBody(t *testing.T, c *Codec, s *Schema, b []byte) word {
	t.Helper()
	m := readMessageOf(t, s, b)
	data := m["data"].(word)
	for _, inner := range data {
		body, _ := inner.(word)["body"].(word)
		for _, w := range body {
			return w.(word)
		}
	}
	return nil
}

func readMessageOf(t *testing.T, s *Schema, b []byte) word {
	t.Helper()
	buf := newBuffer(b[prefix:])
	o := buf.object(0)
	m := read(&buf, &o, s.Tables[root+"Message.Message"])
	if buf.bad {
		t.Fatalf("%x is damaged", b)
	}
	return m
}
