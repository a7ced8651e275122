package worker_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/simtest"
	"gazpacho/pkg/worker"
	"gazpacho/proto"
)

// worker.close is answered, and then the worker ends well.
func TestCloseAnswersAndEnds(t *testing.T) {
	w := simtest.StartWorker(t)
	w.Router()
	w.Server()
	w.Do(proto.WorkerClose, "", nil)
	if err := w.Ended(); err != nil {
		t.Errorf("ended with %v", err)
	}
	<-w.Client().Done()
}

func TestSignalEnds(t *testing.T) {
	w := simtest.StartWorker(t)
	w.Server()
	w.Stop()
	if err := w.Ended(); err != nil {
		t.Errorf("ended with %v", err)
	}
}

// Without grace a worker ends with its controller.
func TestNoGrace(t *testing.T) {
	w := simtest.StartWorkerWith(t, worker.Config{DetachGrace: 0})
	w.Server()
	w.Detach()
	if err := w.Ended(); err != nil {
		t.Errorf("ended with %v", err)
	}
}

// With grace it ends when nobody came for that long.
func TestGraceExpires(t *testing.T) {
	w := simtest.StartWorkerWith(t, worker.Config{DetachGrace: 50 * time.Millisecond})
	w.Server()
	w.Detach()
	if err := w.Ended(); err != nil {
		t.Errorf("ended with %v", err)
	}
}

// A controller that comes in time finds everything as it was, and media never stopped.
func TestAdoption(t *testing.T) {
	w := simtest.StartWorker(t)
	router, server := w.Router(), w.Server()
	alice := simtest.Connect(w, router, server, true, simtest.PeerOptions{})
	video := alice.Produce(proto.Video)
	alice.WaitConnected()
	play(t, video, func(n int) []byte { return vp8(n%50 == 0, uint16(n), 7) })
	bob := simtest.Connect(w, router, server, false, simtest.PeerOptions{})
	see := bob.Consume(video)
	_, last, _ := see.Read()
	before := simtest.Request[proto.RouterDump](w, proto.RouterDumpMethod, router, nil)
	instance := w.Client().Attached().Instance

	w.Detach()
	for range 20 {
		_, sequence, _ := see.Read()
		if sequence != last+1 {
			t.Fatalf("packet %d after %d, while nobody is attached", sequence, last)
		}
		last = sequence
	}
	w.Attach(2)
	if a := w.Client().Attached(); a.Instance != instance || len(a.RouterIDs) != 1 || a.RouterIDs[0] != router {
		t.Errorf("attached: %+v", a)
	}
	after := simtest.Request[proto.RouterDump](w, proto.RouterDumpMethod, router, nil)
	if len(after.TransportIDs) != 2 || len(after.MapConsumerIDProducerID) != 1 || after.MapConsumerIDProducerID[0] != before.MapConsumerIDProducerID[0] {
		t.Errorf("dump %+v, was %+v", after, before)
	}
	for range 20 {
		_, sequence, _ := see.Read()
		if sequence != last+1 {
			t.Fatalf("packet %d after %d, after adoption", sequence, last)
		}
		last = sequence
	}
	// The new controller commands: what it pauses stops, and it hears of events.
	w.Do(proto.ProducerPause, video.ProducerID, nil)
	simtest.Wait[any](w, proto.EventConsumerProducerPause, see.ConsumerID, nil)
}

// A second controller is refused while the first is there, unless its epoch is higher; then the first one's connection ends, and the
// worker is not taken for an orphan.
func TestEpochs(t *testing.T) {
	w := simtest.StartWorkerWith(t, worker.Config{DetachGrace: 100 * time.Millisecond})
	first := w.Client()
	router := w.Router()
	ctx := t.Context()
	_, err := channel.Dial(ctx, w.Address(), channel.Options{Epoch: 1})
	var e *proto.Error
	if !errors.As(err, &e) || e.Code != proto.CodeBusy {
		t.Errorf("a second controller with the same epoch: %v", err)
	}
	w.Attach(2)
	<-first.Done()
	// Longer than the grace: each answer is a round trip, and the loop's timers run in between.
	for until := time.Now().Add(300 * time.Millisecond); time.Now().Before(until); {
		if d := simtest.Request[proto.WorkerDump](w, proto.WorkerDumpMethod, "", nil); d.RouterIDs[0] != router {
			t.Fatalf("dump %+v", d)
		}
	}
}

// logBuffer is what a worker logs.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestUpdateSettings(t *testing.T) {
	var log logBuffer
	var level slog.LevelVar
	w := simtest.StartWorkerWith(t, worker.Config{
		DetachGrace: time.Minute, Level: &level, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: &level})),
	})
	reattach := func(epoch uint64) {
		w.Detach()
		w.Attach(epoch)
		w.Router() // the attachment has been worked off when this is answered
	}
	w.Do(proto.WorkerUpdateSettings, "", proto.UpdateSettings{LogLevel: "none"})
	reattach(2)
	if strings.Contains(log.String(), "controller left") {
		t.Errorf("at level none it logs %s", &log)
	}
	w.Do(proto.WorkerUpdateSettings, "", proto.UpdateSettings{LogLevel: "warn", LogTags: []string{"ice"}})
	w.Do(proto.WorkerUpdateSettings, "", proto.UpdateSettings{})
	if level.Level() != slog.LevelWarn {
		t.Errorf("level %v", level.Level())
	}
	reattach(3)
	if !strings.Contains(log.String(), "controller left") {
		t.Errorf("at level warn it logs %s", &log)
	}
}

func TestBadChannelIsASetting(t *testing.T) {
	for _, address := range []string{"", "tcp:1", "unix:", "fd:x", "fd:1", "unix:/proc/self/nowhere/w.sock", "unix:" + t.TempDir()} {
		err := worker.Run(t.Context(), worker.Config{Channel: address, Log: slog.New(slog.DiscardHandler)})
		var s *worker.SettingError
		if !errors.As(err, &s) || s.Setting != "channel" || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", address, err)
		}
	}
}
