package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/pprof"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// How long profiles may take.
const (
	defaultSeconds = 10
	maxSeconds     = 60
	profileGrace   = 30 * time.Second // to write it, beyond the time it covers
)

// While one of these is observed, one blocking event per so many nanoseconds spent blocked is sampled, or one contention event of so many.
const (
	blockRate     = 10_000
	mutexFraction = 10
)

// observed are the profiles that cover a time, and instant those of the moment. cmdline is left out on purpose: there may be secrets in it.
var (
	observed = map[string]http.HandlerFunc{
		"profile": pprof.Profile,
		"trace":   pprof.Trace,
		"mutex":   sampled("mutex", func(on bool) { runtime.SetMutexProfileFraction(boolInt(on) * mutexFraction) }),
		"block":   sampled("block", func(on bool) { runtime.SetBlockProfileRate(boolInt(on) * blockRate) }),
	}
	instant = []string{"heap", "allocs", "goroutine", "threadcreate"}
)

// profileNames are in the order of the index.
var profileNames = append([]string{"profile", "trace", "mutex", "block"}, instant...)

// sampled is a profile for which the runtime has to be told to look, which costs a little, so it is not always.
func sampled(name string, look func(on bool)) http.HandlerFunc {
	var busy atomic.Bool
	return func(w http.ResponseWriter, r *http.Request) {
		if !busy.CompareAndSwap(false, true) {
			http.Error(w, "another profile is being observed", http.StatusConflict)
			return
		}
		defer busy.Store(false)
		look(true)
		defer look(false)
		pprof.Handler(name).ServeHTTP(w, r)
	}
}

// profile is one of the controller's own.
func (s *Server) profile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("profile")
	handle := observed[name]
	takesTime := handle != nil
	if slices.Contains(instant, name) {
		handle = pprof.Handler(name).ServeHTTP
	}
	if handle == nil {
		http.NotFound(w, r)
		return
	}
	n, err := seconds(r, takesTime)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	unhurried(w, n)
	handle(w, r)
}

// seconds is how long a profile is to cover, 0 for one of the moment. Package net/http/pprof reads the same parameter: where it must
// not stay empty it is set.
func seconds(r *http.Request, takesTime bool) (int, error) {
	text := r.FormValue("seconds")
	if text == "" {
		if !takesTime {
			return 0, nil
		}
		r.Form.Set("seconds", strconv.Itoa(defaultSeconds))
		return defaultSeconds, nil
	}
	n, err := strconv.Atoi(text)
	if err == nil && !takesTime {
		return 0, errors.New("this profile is of the moment: it takes no seconds")
	}
	if err != nil || n < 1 || n > maxSeconds {
		return 0, fmt.Errorf("seconds must be 1 to %d", maxSeconds)
	}
	return n, nil
}

// unhurried gives a response the time it needs, whatever the server's timeouts. A read timeout would count as the client's leaving.
func unhurried(w http.ResponseWriter, seconds int) {
	c := http.NewResponseController(w)
	// Not every ResponseWriter can; those of a network do.
	_ = c.SetReadDeadline(time.Time{})
	_ = c.SetWriteDeadline(time.Now().Add(time.Duration(seconds)*time.Second + profileGrace))
}
