package proto

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// constants returns the values of the string constants in a file of this package whose names pass keep, in order.
func constants(t *testing.T, file string, keep func(name string) bool) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.ValueSpec)
		if !ok || len(s.Values) != 1 || !keep(s.Names[0].Name) {
			return true
		}
		if l, ok := s.Values[0].(*ast.BasicLit); ok && l.Kind == token.STRING {
			v, err := strconv.Unquote(l.Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, v)
		}
		return true
	})
	if len(values) == 0 {
		t.Fatalf("no constants in %s", file)
	}
	return values
}

func TestRegistryIsComplete(t *testing.T) {
	var methods, events, notifications []string
	for _, m := range Methods {
		methods = append(methods, m.Name)
	}
	for _, e := range Events {
		events = append(events, e.Name)
	}
	for _, n := range Notifications {
		notifications = append(notifications, n.Name)
	}
	for _, tt := range []struct {
		what      string
		got, want []string
	}{
		{"notifications", notifications, constants(t, "notification.go", func(name string) bool { return strings.HasPrefix(name, "Notify") })},
		{"methods", methods, constants(t, "method.go", func(string) bool { return true })},
		{"events", events, constants(t, "event.go", func(name string) bool { return strings.HasPrefix(name, "Event") })},
	} {
		slices.Sort(tt.got)
		slices.Sort(tt.want)
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("%s in the registry:\n%q\nconstants:\n%q", tt.what, tt.got, tt.want)
		}
	}
}

// TestTargetsFitNames: the part of a name in front of the dot tells whose handler id it is.
func TestTargetsFitNames(t *testing.T) {
	kinds := map[string]string{
		"worker": "worker", "turn": "worker", "webRtcServer": "webRtcServer", "router": "router", "transport": "transport", "webRtcTransport": "transport",
		"plainTransport": "transport", "pipeTransport": "transport", "directTransport": "transport", "producer": "producer", "consumer": "consumer", "rtpObserver": "rtpObserver", "audioLevelObserver": "rtpObserver", "activeSpeakerObserver": "rtpObserver",
		"dataProducer": "dataProducer", "dataConsumer": "dataConsumer",
	}
	check := func(name, target string) {
		kind, rest, _ := strings.Cut(name, ".")
		if kinds[kind] != target || rest == "" {
			t.Errorf("%s is addressed to %s", name, target)
		}
	}
	for _, m := range Methods {
		check(m.Name, m.Target)
	}
	for _, e := range Events {
		check(e.Name, e.Target)
	}
	for _, n := range Notifications {
		check(n.Name, n.Target)
	}
}

// walkTypes calls f for every struct a body is made of, once.
func walkTypes(f func(reflect.Type)) {
	seen := map[reflect.Type]bool{}
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(t.Elem())
		case reflect.Struct:
			if seen[t] {
				return
			}
			seen[t] = true
			f(t)
			for i := range t.NumField() {
				walk(t.Field(i).Type)
			}
		}
	}
	visit := func(v any) {
		if v != nil {
			walk(reflect.TypeOf(v))
		}
	}
	for _, m := range Methods {
		visit(m.Request)
		visit(m.Response)
		for _, v := range m.Others {
			visit(v.Response)
		}
	}
	for _, e := range Events {
		visit(e.Body)
	}
	for _, n := range Notifications {
		visit(n.Meta)
	}
	visit(Error{})
	for _, m := range ControlMethods {
		visit(m.Request)
		visit(m.Response)
	}
	for _, e := range ControlEvents {
		visit(e.Body)
	}
	visit(Origin{})
}

func TestFieldsTravelWell(t *testing.T) {
	walkTypes(func(s reflect.Type) {
		keys := map[string]bool{}
		for i := range s.NumField() {
			f := s.Field(i)
			tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			where := s.Name() + "." + f.Name
			if f.Anonymous {
				continue
			}
			if !f.IsExported() || tag == "" || tag == "-" || keys[tag] {
				t.Errorf("%s has the key %q", where, tag)
			}
			keys[tag] = true
			if options != "" && options != "omitempty" {
				t.Errorf("%s has the option %q, which msgpack would not know", where, options)
			}
			// encoding/json never omits a struct, the msgpack library does.
			if f.Type.Kind() == reflect.Struct && options == "omitempty" {
				t.Errorf("%s is a struct and may be omitted: make it a pointer", where)
			}
			if f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Uint8 && f.Type != reflect.TypeFor[Blob]() {
				t.Errorf("%s would travel as a blob, in JSON and msgpack alike: use []int, or Blob if it is one", where)
			}
			if f.Type.Kind() == reflect.Pointer && options != "omitempty" {
				t.Errorf("%s is a pointer and would travel as nil", where)
			}
		}
	})
}

func TestClasses(t *testing.T) {
	want := map[string]Class{
		EventProducerScore: Coalesce, EventConsumerScore: Coalesce, EventConsumerLayersChange: Coalesce, EventAudioLevelObserverVolumes: Coalesce,
		EventAudioLevelObserverSilence: Coalesce, EventDominantSpeaker: Coalesce, EventTransportTrace: Lossy, EventProducerTrace: Lossy, EventConsumerTrace: Lossy,
		EventDataConsumerAmountLow: Coalesce, EventDataConsumerBufferFull: Coalesce,
		EventTURNCreated: Lossy, EventTURNRefreshed: Lossy, EventTURNMoved: Lossy, EventTURNEnded: Lossy, EventTURNDenied: Lossy,
		EventDirectTransportRTCP: Lossy, EventConsumerRTP: Lossy, EventDataConsumerMessage: Lossy,
	}
	for _, e := range Events {
		if e.Payload != "" && want[e.Name] != Lossy {
			t.Errorf("%s is binary and not lossy", e.Name)
		}
		if got := (Event{Name: e.Name}).Class(); got != want[e.Name] {
			t.Errorf("%s is of class %d, want %d", e.Name, got, want[e.Name])
		}
	}
}

// TestTopics: only volumes and silence replace each other, and only coalesced events replace anything.
func TestTopics(t *testing.T) {
	for _, e := range Events {
		want := e.Name
		if e.Name == EventAudioLevelObserverSilence {
			want = EventAudioLevelObserverVolumes
		}
		event := Event{Name: e.Name}
		if got := event.Topic(); got != want || got != e.Name && event.Class() != Coalesce {
			t.Errorf("%s is news of %s, want %s", e.Name, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		err              *Error
		name, code, text string
	}{
		{BadField("a[0].b", "is %d", 5), "TypeError", "bad-field", "TypeError: is 5 (a[0].b)"},
		{NotFound("router", "r1"), "NotFoundError", "not-found", `NotFoundError: router "r1" not found`},
		{Duplicate("router", "r1"), "Error", "duplicate-id", `Error: a router with id "r1" already exists`},
		{InvalidState("is %s", "closed"), "InvalidStateError", "invalid-state", "InvalidStateError: is closed"},
		{Unsupported("no %s", "H265"), "UnsupportedError", "unsupported", "UnsupportedError: no H265"},
		{Failed(CodeBusy, "port %d", 1), "Error", "busy", "Error: port 1"},
	} {
		if tt.err.Name != tt.name || tt.err.Code != tt.code || tt.err.Error() != tt.text {
			t.Errorf("got %+v (%s), want %s, %s, %s", *tt.err, tt.err, tt.name, tt.code, tt.text)
		}
	}
}
