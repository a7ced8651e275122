package worker_test

import (
	"encoding/base64"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gazpacho/pkg/simtest"
	"gazpacho/pkg/simtest/schema"
	"gazpacho/proto"
)

// names are those of errors by their codes; a code that is not here may not be sent.
var names = map[string]string{
	proto.CodeBadBody: proto.TypeErrorName, proto.CodeBadField: proto.TypeErrorName, proto.CodeNotFound: proto.NotFoundErrorName,
	proto.CodeDuplicate: proto.ErrorName, proto.CodeInvalidState: proto.InvalidStateErrorName, proto.CodeUnsupported: proto.UnsupportedErrorName,
	proto.CodeBusy: proto.ErrorName, proto.CodeNoPort: proto.ErrorName, proto.CodeLimit: proto.ErrorName,
}

// trial is what every answer is held against.
type trial struct {
	*bodyStage
	schema *schema.Document
	method proto.Method
	paths  map[string]bool // of the fields of its body, with [] for indices

	asked, refused, invalid, done, wrong int
}

// Every request is tried with every optional field absent, empty, as large as it goes, and of every wrong type, on live objects and on wrong
// ids. It succeeds, with an answer that the schema has, or is refused with an error that says why and where, and then nothing has changed. What
// the schema does not take, the worker refuses.
func TestEveryBody(t *testing.T) {
	b, err := os.ReadFile("../../proto/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := schema.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	s := newBodyStage(t)
	relay := s.sensible()[proto.WorkerUpdateTURN][0].body // which is there from now on
	s.Do(proto.WorkerUpdateTURN, "", relay)
	s.rebuild() // what is made once is made
	before := resources(t, 0, 0)
	total := 0
	for _, m := range proto.Methods {
		if m.Name == proto.WorkerClose { // ends the worker
			continue
		}
		if m.Request != nil && s.sensible()[m.Name] == nil {
			t.Errorf("%s has no sensible body here", m.Name)
		}
		x := &trial{bodyStage: s, schema: document, method: m, paths: map[string]bool{}}
		if m.Request != nil {
			addPaths(x.paths, reflect.TypeOf(m.Request), "")
		}
		start := time.Now()
		x.try()
		total += x.asked
		t.Logf("%s: %d asked, %d of them refused, %d not valid, in %v", m.Name, x.asked, x.refused, x.invalid, time.Since(start))
	}
	s.rebuild()
	s.Do(proto.WorkerUpdateTURN, "", relay)
	resources(t, before[0], before[1])
	if total < 3000 {
		t.Errorf("only %d requests were tried", total)
	}
}

// resources counts goroutines and descriptors, and waits until they are no more than so many, if that is not 0: readers of closed sockets end when they
// get to run.
func resources(t testing.TB, goroutines, descriptors int) [2]int {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		now := [2]int{runtime.NumGoroutine(), len(list)}
		if goroutines == 0 || now[0] <= goroutines && now[1] <= descriptors {
			return now
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines and %d descriptors, there were %d and %d", now[0], now[1], goroutines, descriptors)
		}
	}
}

// errorf reports what is wrong; of one method, only the first few.
func (x *trial) errorf(format string, args ...any) {
	x.t.Helper()
	if x.wrong++; x.wrong <= 5 {
		x.t.Errorf(format, args...)
	}
}

func (x *trial) try() {
	x.t.Helper()
	for _, q := range x.requestsOf(x.method) {
		x.wrongIDs(q)
		if x.method.Request == nil {
			for _, body := range []any{nil, map[string]any{}, "text", []any{1}, deep(25)} { // which nobody reads
				x.ask(q, variant{what: "a body that is not read", body: body, beyondJSON: true})
			}
			continue
		}
		v := varier{ids: x.everyone(), yield: func(v variant) { x.ask(q, v) }}
		v.whole(reflect.TypeOf(x.method.Request), tree(reflect.ValueOf(q.body)))
		x.unchanged("one of the last", x.things())
	}
}

// wrongIDs sends a sensible body to objects of other kinds, and to nobody.
func (x *trial) wrongIDs(q asked) {
	x.t.Helper()
	if x.method.Target == "worker" {
		return
	}
	kind := map[string]bool{}
	for _, id := range x.lives[x.method.Target] {
		kind[id] = true
	}
	for _, id := range append(x.everyone(), "", strings.Repeat("x", 70_000)) {
		if !kind[id] {
			_, err := simtest.TryRequest[any](x.Worker, x.method.Name, id, q.body)
			if e := x.refusal(x.method.Name, err); e == nil || e.Code != proto.CodeNotFound || e.Name != proto.NotFoundErrorName {
				x.errorf("%s of %.20q, which is no %s: %v", x.method.Name, id, x.method.Target, err)
			}
		}
	}
	x.unchanged("a wrong id", x.things())
}

// ask sends a variant and checks the answer.
func (x *trial) ask(q asked, v variant) {
	x.t.Helper()
	what := x.method.Name + " of " + q.id + ", " + v.what
	answer, err := simtest.TryRequest[any](x.Worker, x.method.Name, q.id, v.body)
	refused := x.refusal(what, err)
	x.asked++
	var invalid error
	if !v.beyondJSON {
		body := asJSON(v.body)
		if body == nil {
			body = map[string]any{} // is the same
		}
		if invalid = x.schema.Validate("#/methods/"+x.method.Name+"/request", body); invalid != nil {
			x.invalid++
		}
	}
	if refused == nil {
		if invalid != nil {
			x.errorf("%s: the schema does not take it, %v, but the worker does", what, invalid)
		}
		if err := x.schema.Validate("#/methods/"+x.method.Name+"/response", asJSON(answer)); err != nil {
			x.errorf("the answer to %s: %v", what, err)
		}
		if body, ok := v.body.(map[string]any); ok && undo[x.method.Name] != (undoing{}) {
			u := undo[x.method.Name]
			x.Do(u.method, q.id, map[string]any{u.key: body[u.key]})
			x.done++
		}
		// What closing leaves to be seen, or what was no creating.
		if len(x.changed(x.near(q.id))) > 0 || (undo[x.method.Name] == undoing{} || x.done%10 == 0) && len(x.changed(x.things())) > 0 {
			x.rebuild()
		}
		return
	}
	x.refused++
	switch name := names[refused.Code]; {
	case v.what == "as it should be" && q.code != refused.Code:
		x.errorf("%s: %v", what, refused)
	case name == "" || name != refused.Name || refused.Message == "":
		x.errorf("%s: name %q, code %q: %v", what, refused.Name, refused.Code, refused)
	case refused.Code == proto.CodeBadBody && invalid == nil && !v.beyondJSON:
		x.errorf("%s: the schema takes it, the worker does not: %v", what, refused)
	case refused.Code == proto.CodeBadField && refused.Path == "":
		x.errorf("%s: does not say where: %v", what, refused)
	case refused.Path != "" && !x.paths[indices.ReplaceAllString(refused.Path, "[]")] && !inParameters.MatchString(refused.Path):
		x.errorf("%s: there is no field %s: %v", what, refused.Path, refused)
	}
	x.unchanged(what, x.near(q.id))
	if x.refused%10 == 0 {
		x.unchanged(what+", or one of the ten before", x.things())
	}
}

// undoing is the request that closes what another has made.
type undoing struct{ method, key string }

// undo spares building the whole stage anew.
var undo = map[string]undoing{
	proto.WorkerCreateWebRTCServer:              {proto.WorkerCloseWebRTCServer, "webRtcServerId"},
	proto.WorkerCreateRouter:                    {proto.WorkerCloseRouter, "routerId"},
	proto.RouterCreateWebRTCTransport:           {proto.RouterCloseTransport, "transportId"},
	proto.RouterCreateWebRTCTransportWithServer: {proto.RouterCloseTransport, "transportId"},
	proto.RouterCreatePlainTransport:            {proto.RouterCloseTransport, "transportId"},
	proto.RouterCreatePipeTransport:             {proto.RouterCloseTransport, "transportId"},
	proto.RouterCreateDirectTransport:           {proto.RouterCloseTransport, "transportId"},
	proto.RouterCreateAudioLevelObserver:        {proto.RouterCloseRTPObserver, "rtpObserverId"},
	proto.RouterCreateActiveSpeakerObserver:     {proto.RouterCloseRTPObserver, "rtpObserverId"},
	proto.TransportProduce:                      {proto.TransportCloseProducer, "producerId"},
	proto.TransportConsume:                      {proto.TransportCloseConsumer, "consumerId"},
	proto.TransportProduceData:                  {proto.TransportCloseDataProducer, "dataProducerId"},
	proto.TransportConsumeData:                  {proto.TransportCloseDataConsumer, "dataConsumerId"},
}

// near is where a request for an object would leave something half made: the object, its router and the worker.
func (x *trial) near(id string) []thing {
	list := []thing{{"worker", ""}, {"router", "router"}}
	if x.method.Target != "worker" && x.method.Target != "router" && x.method.Target != "rtpObserver" {
		list = append(list, thing{x.method.Target, id})
	}
	return list
}

// unchanged checks that refusals have changed nothing.
func (x *trial) unchanged(what string, list []thing) {
	x.t.Helper()
	if changes := x.changed(list); len(changes) > 0 {
		x.errorf("%s: was refused, but %s", what, strings.Join(changes, "\n"))
		x.rebuild()
	}
}

var (
	indices = regexp.MustCompile(`\[\d+\]`)
	// inParameters is a codec's own parameter, of which there are any, or a user.
	inParameters = regexp.MustCompile(`\.parameters\..|^users\..`)
)

// addPaths adds the paths of all fields of t.
func addPaths(paths map[string]bool, t reflect.Type, at string) {
	paths[at] = true
	switch t.Kind() {
	case reflect.Pointer:
		addPaths(paths, t.Elem(), at)
	case reflect.Slice:
		addPaths(paths, t.Elem(), at+"[]")
	case reflect.Struct:
		eachField(t, func(f reflect.StructField, key string, _ []int) {
			addPaths(paths, f.Type, strings.TrimPrefix(at+"."+key, "."))
		})
	}
}

// asJSON is a body as the schema sees it: binary is base64, and a field that is nil is absent.
func asJSON(v any) any {
	switch v := v.(type) {
	case string:
		if !utf8.ValidString(v) { // binary of an answer
			return base64.StdEncoding.EncodeToString([]byte(v))
		}
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case []any:
		l := make([]any, len(v))
		for i := range v {
			if v[i] != nil {
				l[i] = asJSON(v[i])
			}
		}
		return l
	case map[string]any:
		m := map[string]any{}
		for key := range v {
			if v[key] != nil {
				m[key] = asJSON(v[key])
			}
		}
		return m
	}
	return v
}
