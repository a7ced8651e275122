package admin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
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

// Profiles take longer than the timeout of the server around them.
func TestProfilesOfTheController(t *testing.T) {
	h := serve(t, New(Config{Workers: newFleet(t)}))
	for _, tt := range []struct {
		path   string
		status int
		starts string
	}{
		{"/debug/pprof/profile?seconds=1", 200, "\x1f\x8b"},
		{"/debug/pprof/trace?seconds=1", 200, "go 1."},
		{"/debug/pprof/heap", 200, "\x1f\x8b"},
		{"/debug/pprof/heap?debug=1", 200, "heap profile: "},
		{"/debug/pprof/goroutine?debug=2", 200, "goroutine "},
		{"/debug/pprof/allocs?seconds=1", 200, "\x1f\x8b"},
		{"/debug/pprof/profile?seconds=61", 400, "seconds must be 1 to 60"},
		{"/debug/pprof/trace?seconds=0", 400, "seconds must be 1 to 60"},
		{"/debug/pprof/trace?seconds=0.5", 400, "seconds must be 1 to 60"},
		{"/debug/pprof/heap?seconds=1000000", 400, "seconds must be 1 to 60"},
		{"/debug/pprof/profile?seconds=x", 400, "seconds must be 1 to 60"},
	} {
		if status, text := get(t, h, tt.path); status != tt.status || !strings.HasPrefix(text, tt.starts) {
			t.Errorf("%s: %d %.60q", tt.path, status, text)
		}
	}
}

func TestDefaultLengthOfProfiles(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/debug/pprof/profile", nil)
	if n, err := seconds(r, false); n != defaultSeconds || err != nil || r.FormValue("seconds") != "10" {
		t.Errorf("%d, %v, %q", n, err, r.FormValue("seconds"))
	}
	r = httptest.NewRequest(http.MethodGet, "/debug/pprof/heap", nil)
	if n, err := seconds(r, true); n != 0 || err != nil || r.FormValue("seconds") != "" {
		t.Errorf("%d, %v, %q", n, err, r.FormValue("seconds"))
	}
}
