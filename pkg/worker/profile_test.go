package worker_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"testing"
	"time"

	"gazpacho/pkg/simtest"
	"gazpacho/pkg/worker"
	"gazpacho/proto"
)

// mentions unpacks a profile and tells whether a name is in its table of strings.
func mentions(t *testing.T, profile []byte, name string) bool {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(profile))
	if err != nil {
		t.Fatalf("%d bytes that are no profile: %v", len(profile), err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(raw, []byte(name))
}

// Every kind is a profile in the format of pprof, of what its name says.
func TestProfiles(t *testing.T) {
	t.Parallel()
	w := simtest.StartWorker(t)
	for kind, unit := range map[string]string{
		proto.ProfileHeap: "inuse_space", proto.ProfileAllocs: "alloc_space", proto.ProfileGoroutine: "loop.(*Loop).Run",
	} {
		p := simtest.Request[proto.Profile](w, proto.WorkerGetProfile, "", proto.GetProfile{Kind: kind})
		if !mentions(t, p.Data, unit) {
			t.Errorf("%s: no %s in %d bytes", kind, unit, len(p.Data))
		}
	}
	for kind, unit := range map[string]string{proto.ProfileCPU: "nanoseconds", proto.ProfileMutex: "contentions", proto.ProfileBlock: "delay"} {
		start := time.Now()
		p := simtest.Request[proto.Profile](w, proto.WorkerGetProfile, "", proto.GetProfile{Kind: kind, Seconds: 1})
		if !mentions(t, p.Data, unit) || time.Since(start) < time.Second {
			t.Errorf("%s: no %s in %d bytes after %v", kind, unit, len(p.Data), time.Since(start))
		}
	}
}

func TestProfileRefusals(t *testing.T) {
	w := simtest.StartWorker(t)
	tests := []struct {
		name       string
		body       any
		code, path string
	}{
		{"no kind", proto.GetProfile{}, proto.CodeBadField, "kind"},
		{"unknown kind", proto.GetProfile{Kind: "trace", Seconds: 1}, proto.CodeBadField, "kind"},
		{"no seconds", proto.GetProfile{Kind: proto.ProfileCPU}, proto.CodeBadField, "seconds"},
		{"negative", proto.GetProfile{Kind: proto.ProfileMutex, Seconds: -1}, proto.CodeBadField, "seconds"},
		{"over a minute", proto.GetProfile{Kind: proto.ProfileBlock, Seconds: 61}, proto.CodeBadField, "seconds"},
		{"of the moment, for a while", proto.GetProfile{Kind: proto.ProfileHeap, Seconds: 1}, proto.CodeBadField, "seconds"},
		{"wrong type", map[string]any{"kind": 5}, proto.CodeBadBody, "kind"},
	}
	for _, tt := range tests {
		e := refused(t, w, proto.WorkerGetProfile, "", tt.body)
		if e.Code != tt.code || e.Path != tt.path {
			t.Errorf("%s: %v at %q, want %s at %q", tt.name, e, e.Path, tt.code, tt.path)
		}
	}
}

// One is observed at a time, whatever its kind; those of the moment are taken meanwhile, and another may be observed as soon as it is answered.
func TestOneProfileAtATime(t *testing.T) {
	t.Parallel()
	w := simtest.StartWorker(t)
	answers := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := simtest.TryRequest[proto.Profile](w, proto.WorkerGetProfile, "", proto.GetProfile{Kind: proto.ProfileMutex, Seconds: 1})
			answers <- err
		}()
	}
	var e *proto.Error
	if err := <-answers; !errors.As(err, &e) || e.Code != proto.CodeBusy {
		t.Errorf("the second: %v", err)
	}
	simtest.Request[proto.Profile](w, proto.WorkerGetProfile, "", proto.GetProfile{Kind: proto.ProfileHeap})
	if err := <-answers; err != nil {
		t.Errorf("the first: %v", err)
	}
	simtest.Request[proto.Profile](w, proto.WorkerGetProfile, "", proto.GetProfile{Kind: proto.ProfileMutex, Seconds: 1})
}

// A profile does not keep a worker from ending, nor outlives it: the package looks for goroutines that do.
func TestProfileEndsWithTheWorker(t *testing.T) {
	t.Parallel()
	w := simtest.StartWorkerWith(t, worker.Config{DetachGrace: time.Minute})
	// Two ask: once one of them is told that the other is served, a profile is being observed.
	busy := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := simtest.TryRequest[proto.Profile](w, proto.WorkerGetProfile, "", proto.GetProfile{Kind: proto.ProfileBlock, Seconds: 60})
			busy <- err
		}()
	}
	var e *proto.Error
	if err := <-busy; !errors.As(err, &e) || e.Code != proto.CodeBusy {
		t.Fatal(err)
	}
	w.Stop()
	if err := w.Ended(); err != nil {
		t.Error(err)
	}
	<-busy // whatever it was told
}
