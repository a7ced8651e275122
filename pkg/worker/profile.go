package worker

import (
	"bytes"
	"context"
	"runtime"
	"runtime/pprof"
	"time"

	"gazpacho/proto"
)

const (
	// maxProfileSeconds is how long a profile may be observed.
	maxProfileSeconds = 60
	// blockRate samples one blocking event per so many nanoseconds spent blocked, mutexFraction one contention event of so many.
	blockRate     = 10_000
	mutexFraction = 10
)

// timed begins to observe, and returns what ends that and writes the profile. Only one may be observed at a time.
var timed = map[string]func(out *bytes.Buffer) (end func() error, err error){
	proto.ProfileCPU: func(out *bytes.Buffer) (func() error, error) {
		return func() error { pprof.StopCPUProfile(); return nil }, pprof.StartCPUProfile(out)
	},
	proto.ProfileMutex: func(out *bytes.Buffer) (func() error, error) {
		runtime.SetMutexProfileFraction(mutexFraction)
		return func() error {
			runtime.SetMutexProfileFraction(0)
			return pprof.Lookup("mutex").WriteTo(out, 0)
		}, nil
	},
	proto.ProfileBlock: func(out *bytes.Buffer) (func() error, error) {
		runtime.SetBlockProfileRate(blockRate)
		return func() error {
			runtime.SetBlockProfileRate(0)
			return pprof.Lookup("block").WriteTo(out, 0)
		}, nil
	},
}

// instant are the profiles of the moment.
var instant = map[string]bool{proto.ProfileHeap: true, proto.ProfileAllocs: true, proto.ProfileGoroutine: true}

// getProfile answers worker.getProfile, from a goroutine of its own.
func (w *Worker) getProfile(_ time.Time, r request) {
	var b proto.GetProfile
	err := r.Decode(&b)
	if err == nil {
		err = checkProfile(&b)
	}
	if err != nil {
		r.Respond(nil, err)
		return
	}
	observed := timed[b.Kind] != nil
	if observed && !w.profiling.CompareAndSwap(false, true) {
		r.Respond(nil, proto.Failed(proto.CodeBusy, "another profile is being observed"))
		return
	}
	go func() {
		var out bytes.Buffer
		err := observe(w.ctx, &b, &out)
		if observed {
			w.profiling.Store(false) // before whoever waits for the answer asks again
		}
		if err != nil {
			r.Respond(nil, proto.Failed(proto.CodeInternal, "%s profile: %s", b.Kind, err))
			return
		}
		r.Respond(proto.Profile{Data: out.Bytes()}, nil) // which refuses one that no frame holds
	}()
}

func checkProfile(b *proto.GetProfile) *proto.Error {
	switch {
	case instant[b.Kind] && b.Seconds != 0:
		return proto.BadField("seconds", "a profile of kind %s is of the moment", b.Kind)
	case instant[b.Kind]:
		return nil
	case timed[b.Kind] == nil:
		return proto.BadField("kind", "%q is not cpu, mutex, block, heap, allocs or goroutine", b.Kind)
	case b.Seconds < 1 || b.Seconds > maxProfileSeconds:
		return proto.BadField("seconds", "%d is not 1 to %d", b.Seconds, maxProfileSeconds)
	}
	return nil
}

// observe takes a profile, for as long as is asked for but not longer than ctx lives.
func observe(ctx context.Context, b *proto.GetProfile, out *bytes.Buffer) error {
	begin := timed[b.Kind]
	if begin == nil {
		return pprof.Lookup(b.Kind).WriteTo(out, 0)
	}
	end, err := begin(out)
	if err != nil {
		return err
	}
	wait := time.NewTimer(time.Duration(b.Seconds) * time.Second)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
	return end()
}
