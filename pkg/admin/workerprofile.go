package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"gazpacho/pkg/supervisor"
	"gazpacho/proto"
)

// workerProfiles are what a worker can be asked for, and whether it takes time. The name that go tool pprof knows works, too.
var workerProfiles = map[string]struct {
	kind      string
	takesTime bool
}{
	"profile":              {proto.ProfileCPU, true},
	proto.ProfileMutex:     {proto.ProfileMutex, true},
	proto.ProfileBlock:     {proto.ProfileBlock, true},
	proto.ProfileHeap:      {proto.ProfileHeap, false},
	proto.ProfileAllocs:    {proto.ProfileAllocs, false},
	proto.ProfileGoroutine: {proto.ProfileGoroutine, false},
}

// workerProfile is one of a worker's, who takes it itself.
func (s *Server) workerProfile(w http.ResponseWriter, r *http.Request) {
	worker := s.worker(r.PathValue("slot"))
	profile, ok := workerProfiles[r.PathValue("profile")]
	if worker == nil || !ok {
		http.NotFound(w, r)
		return
	}
	n, err := seconds(r, profile.takesTime)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	unhurried(w, n)
	ctx, cancel := context.WithTimeout(r.Context(), time.Duration(n)*time.Second+profileGrace)
	defer cancel()
	data, err := worker.Profile(ctx, profile.kind, n)
	if err != nil {
		http.Error(w, fmt.Sprintf("worker %d: %v", worker.Slot, err), profileStatus(err))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="worker-%d-%s.pb.gz"`, worker.Slot, profile.kind))
	h.Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data) // the client may be gone
}

// worker is the one that runs in a slot, or nil.
func (s *Server) worker(slot string) *supervisor.Worker {
	for _, worker := range s.cfg.Workers.Running() {
		if strconv.Itoa(worker.Slot) == slot {
			return worker
		}
	}
	return nil
}

// profileStatus is the HTTP status of a worker's refusal. Ours to answer for is what is left: a worker that is gone or fails.
func profileStatus(err error) int {
	var refused *proto.Error
	if errors.As(err, &refused) {
		switch refused.Code {
		case proto.CodeBusy:
			return http.StatusConflict
		case proto.CodeUnknownMethod:
			return http.StatusNotImplemented // an older worker
		}
	}
	return http.StatusBadGateway
}
