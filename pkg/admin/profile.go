package admin

import (
	"fmt"
	"net/http"
	"net/http/pprof"
	"slices"
	"strconv"
	"time"
)

// How long profiles may take.
const (
	defaultSeconds = 10
	maxSeconds     = 60
	profileGrace   = 30 * time.Second // to write it, beyond the time it covers
)

// timed are the profiles that cover a time, and named those of an instant. cmdline is left out on purpose: there may be secrets in it.
var (
	timed = map[string]http.HandlerFunc{"profile": pprof.Profile, "trace": pprof.Trace}
	named = []string{"allocs", "block", "goroutine", "heap", "mutex", "threadcreate"}
)

func profileNames() []string { return append([]string{"profile", "trace"}, named...) }

// profile is one of the controller's own.
func (s *Server) profile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("profile")
	handle, instant := timed[name], false
	if handle == nil && slices.Contains(named, name) {
		handle, instant = pprof.Handler(name).ServeHTTP, true
	}
	if handle == nil {
		http.NotFound(w, r)
		return
	}
	if _, err := seconds(r, instant); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	handle(w, r) // which prolongs the server's timeout by itself
}

// seconds is how long a profile is to cover. Package net/http/pprof reads the same parameter: where it must not stay empty it is set.
func seconds(r *http.Request, instant bool) (int, error) {
	text := r.FormValue("seconds")
	if text == "" {
		if instant {
			return 0, nil
		}
		r.Form.Set("seconds", strconv.Itoa(defaultSeconds))
		return defaultSeconds, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxSeconds {
		return 0, fmt.Errorf("seconds must be 1 to %d", maxSeconds)
	}
	return n, nil
}

// workerProfiles are what a worker can be asked for.
var workerProfiles = []string{"cpu", "heap", "goroutine", "allocs", "mutex", "block"}

// workerProfile is one of a worker's.
func (s *Server) workerProfile(w http.ResponseWriter, r *http.Request) {
	http.NotFound(w, r)
}
