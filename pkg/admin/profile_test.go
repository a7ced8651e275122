package admin

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// serve has a server in front whose timeouts are shorter than a profile.
func serve(t *testing.T, s *Server) *httptest.Server {
	t.Helper()
	h := httptest.NewUnstartedServer(s.Handler())
	h.Config.WriteTimeout, h.Config.ReadTimeout = 500*time.Millisecond, 500*time.Millisecond
	h.Start()
	t.Cleanup(h.Close)
	return h
}

func get(t *testing.T, h *httptest.Server, path string) (int, string) {
	t.Helper()
	r, err := h.Client().Get(h.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, body(t, r)
}

// Profiles take longer than the timeouts of the server around them allow for.
func TestProfilesOfTheController(t *testing.T) {
	h := serve(t, New(Config{Workers: newFleet(t)}))
	for _, tt := range []struct {
		path   string
		status int
		starts string
	}{
		{"/debug/pprof/profile?seconds=1", 200, "\x1f\x8b"},
		{"/debug/pprof/trace?seconds=1", 200, "go 1."},
		{"/debug/pprof/mutex?seconds=1", 200, "\x1f\x8b"},
		{"/debug/pprof/block?seconds=1", 200, "\x1f\x8b"},
		{"/debug/pprof/heap", 200, "\x1f\x8b"},
		{"/debug/pprof/heap?debug=1", 200, "heap profile: "},
		{"/debug/pprof/goroutine?debug=2", 200, "goroutine "},
		{"/debug/pprof/allocs", 200, "\x1f\x8b"},
		{"/debug/pprof/threadcreate", 200, "\x1f\x8b"},
		{"/debug/pprof/profile?seconds=61", 400, "seconds must be 1 to 60"},
		{"/debug/pprof/trace?seconds=0", 400, "seconds must be 1 to 60"},
		{"/debug/pprof/trace?seconds=0.5", 400, "seconds must be 1 to 60"},
		{"/debug/pprof/profile?seconds=x", 400, "seconds must be 1 to 60"},
		{"/debug/pprof/heap?seconds=1", 400, "this profile is of the moment"},
	} {
		at := time.Now()
		status, text := get(t, h, tt.path)
		if status != tt.status || !strings.HasPrefix(text, tt.starts) {
			t.Errorf("%s: %d %.60q", tt.path, status, text)
		}
		if took := time.Since(at); tt.status == 200 && strings.Contains(tt.path, "seconds") && took < time.Second {
			t.Errorf("%s took only %v", tt.path, took)
		}
	}
	if runtime.SetMutexProfileFraction(-1) != 0 {
		t.Error("mutexes are still looked at")
	}
}

// Two who observe the same would end each other's looking.
func TestOneObserverAtATime(t *testing.T) {
	began, end := make(chan struct{}), make(chan struct{})
	handle := sampled("mutex", func(on bool) {
		if on {
			close(began)
			<-end
		}
	})
	done := make(chan struct{})
	go func() {
		handle(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		close(done)
	}()
	<-began
	w := httptest.NewRecorder()
	handle(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusConflict {
		t.Errorf("%d", w.Code)
	}
	close(end)
	<-done
}

func TestProfilesOfWorkers(t *testing.T) {
	f := newFleet(t, everything(), everything())
	var asked []proto.GetProfile
	answer := func() error { return nil }
	f.workers[1].answer = func(r channel.Request) bool {
		if r.Method != proto.WorkerGetProfile {
			return false
		}
		var b proto.GetProfile
		if err := channel.Decode(r.Body, &b); err != nil {
			t.Error(err)
		}
		asked = append(asked, b)
		if err := answer(); err != nil {
			r.Respond(nil, err.(*proto.Error))
			return true
		}
		r.Respond(proto.Profile{Data: []byte("the profile")}, nil)
		return true
	}
	s := New(Config{Workers: f})
	for _, tt := range []struct {
		path string
		want proto.GetProfile
		file string
	}{
		{"heap", proto.GetProfile{Kind: "heap"}, "worker-1-heap.pb.gz"},
		{"goroutine?debug=1", proto.GetProfile{Kind: "goroutine"}, "worker-1-goroutine.pb.gz"},
		{"allocs", proto.GetProfile{Kind: "allocs"}, "worker-1-allocs.pb.gz"},
		{"profile", proto.GetProfile{Kind: "cpu", Seconds: 10}, "worker-1-cpu.pb.gz"},
		{"mutex?seconds=60", proto.GetProfile{Kind: "mutex", Seconds: 60}, "worker-1-mutex.pb.gz"},
		{"block?seconds=1", proto.GetProfile{Kind: "block", Seconds: 1}, "worker-1-block.pb.gz"},
	} {
		asked = nil
		w := ask(s, "/debug/pprof/workers/1/"+tt.path)
		if w.Code != 200 || w.Body.String() != "the profile" || !strings.Contains(w.Header().Get("Content-Disposition"), tt.file) {
			t.Errorf("%s: %d %s %v", tt.path, w.Code, w.Body, w.Header())
		}
		if len(asked) != 1 || asked[0] != tt.want {
			t.Errorf("%s asks for %+v", tt.path, asked)
		}
	}
	asked = nil
	for path, want := range map[string]int{
		"/debug/pprof/workers/1/heap?seconds=1": 400, "/debug/pprof/workers/1/profile?seconds=61": 400, "/debug/pprof/workers/1/block?seconds=-1": 400,
		"/debug/pprof/workers/1/cmdline": 404, "/debug/pprof/workers/2/heap": 404, "/debug/pprof/workers/01/heap": 404, "/debug/pprof/workers/-1/heap": 404,
		"/debug/pprof/workers/0/heap": 501, // knows no such request
	} {
		if w := ask(s, path); w.Code != want {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if asked != nil {
		t.Errorf("%+v reached the worker", asked)
	}
	for code, want := range map[string]int{proto.CodeBusy: 409, proto.CodeLimit: 502, proto.CodeInternal: 502} {
		answer = func() error { return proto.Failed(code, "sorry") }
		if w := ask(s, "/debug/pprof/workers/1/heap"); w.Code != want || !strings.Contains(w.Body.String(), "sorry") {
			t.Errorf("%s: %d %s", code, w.Code, w.Body)
		}
	}
}

func TestDefaultLengthOfProfiles(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/debug/pprof/profile", nil)
	if n, err := seconds(r, true); n != defaultSeconds || err != nil || r.FormValue("seconds") != "10" {
		t.Errorf("%d, %v, %q", n, err, r.FormValue("seconds"))
	}
	r = httptest.NewRequest(http.MethodGet, "/debug/pprof/heap", nil)
	if n, err := seconds(r, false); n != 0 || err != nil || r.FormValue("seconds") != "" {
		t.Errorf("%d, %v, %q", n, err, r.FormValue("seconds"))
	}
}
