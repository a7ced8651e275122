package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// A program that makes a router, says so, and lives until it is killed.
const clientProgram = `
import sys, time
sys.path.insert(0, sys.argv[1])
import gazpacho
with gazpacho.controller(sys.argv[2], 20, keep=sys.argv[4] == "keep") as c:
    c.request("worker.createRouter", "", {"routerId": sys.argv[3]})
    c.request("router.createDirectTransport", sys.argv[3], {"transportId": sys.argv[3] + "-t"})
    print("made", flush=True)
    time.sleep(1000)
`

// client starts a program that is a client of the controller whose socket is at path.
func client(t *testing.T, path, router, onDisconnect string) *exec.Cmd {
	t.Helper()
	c := exec.Command("python3", "-c", clientProgram, "../../scripts", path, router, onDisconnect)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "made\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return c
}

// eventually waits for what must come.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it does not come to that", what)
		}
	}
}

// The real controller's clients, as processes: one that is killed has its routers closed or kept as it said, and what others have made lives on.
// Then a worker is killed: who holds something in it is told, what lives in the other is not touched, and the next router is on its replacement.
func TestKilledClientsAndWorkers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.sock")
	c, log := started(t, nil, "--control", "unix:"+path)
	defer func() {
		if err := c.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := c.Wait(); err != nil {
			t.Errorf("%v\n%s", err, log)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	watcher, err := control.Dial(ctx, "unix:"+path, control.DialOptions{Software: "watcher"})
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Close()
	owners := func() map[string]string {
		list, err := watcher.Routers(ctx)
		if err != nil {
			t.Fatal(err)
		}
		owners := map[string]string{}
		for _, r := range list {
			owners[r.RouterID] = r.Owner
		}
		return owners
	}
	closes, keeps := client(t, path, "closed", "close"), client(t, path, "kept", "keep")
	ends := make(chan control.Reason, 10)
	if _, err := watcher.OpenRouter(ctx, "closed", false, control.RouterOptions{Closed: func(why control.Reason) { ends <- why }}); err != nil {
		t.Fatal(err)
	}
	for _, x := range []*exec.Cmd{closes, keeps} {
		if err := x.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = x.Wait() // killed
	}
	if why := <-ends; why != control.OtherClosed {
		t.Errorf("it ended by %q", why)
	}
	eventually(t, "one router is nobody's, the other gone", func() bool {
		o := owners()
		owner, there := o["kept"]
		return len(o) == 1 && there && owner == ""
	})
	kept, err := watcher.OpenRouter(ctx, "kept", true, control.RouterOptions{Closed: func(why control.Reason) { ends <- why }})
	if err != nil || len(kept.Transports) != 1 {
		t.Fatalf("%+v, %v", kept, err)
	}
	died(ctx, t, watcher, "unix:"+path, kept, ends)
}

// died kills the worker that something lives in.
func died(ctx context.Context, t *testing.T, watcher *control.Controller, address string, kept *control.Contents, ends chan control.Reason) {
	t.Helper()
	workers, err := watcher.Workers(ctx)
	if err != nil || len(workers) != 2 {
		t.Fatalf("%+v, %v", workers, err)
	}
	slices.SortFunc(workers, func(a, b control.RemoteWorker) int { return strings.Compare(b.WorkerID, a.WorkerID) })
	victim, survivor := workers[0], workers[1]
	if kept.Router.WorkerID() != victim.WorkerID {
		victim, survivor = survivor, victim
	}
	lost := make(chan control.Reason, 1)
	elsewhere, err := survivor.CreateRouter(ctx, control.RouterOptions{
		MediaCodecs: []proto.RTPCodecCapability{{Kind: proto.Audio, MimeType: "audio/opus", ClockRate: 48000, Channels: 2}},
		Closed:      func(why control.Reason) { lost <- why },
	})
	if err != nil {
		t.Fatal(err)
	}
	direct, err := elsewhere.CreateDirectTransport(ctx, control.DirectTransportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := direct.Produce(ctx, control.ProducerOptions{Kind: proto.Audio, RTPParameters: proto.RTPParameters{
		Codecs:    []proto.RTPCodecParameters{{MimeType: "audio/opus", PayloadType: 100, ClockRate: 48000, Channels: 2}},
		Encodings: []proto.RTPEncodingParameters{{SSRC: 1}},
	}}); err != nil {
		t.Fatal(err)
	}
	other, err := control.Dial(ctx, address, control.DialOptions{Software: "other"})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.OpenRouter(ctx, "kept", false, control.RouterOptions{Closed: func(why control.Reason) { ends <- why }}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(victim.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if why := <-ends; why != control.WorkerClosed {
			t.Errorf("it ended by %q", why)
		}
	}
	if !kept.Transports[0].Closed() {
		t.Error("a transport outlives its worker")
	}
	if d, err := elsewhere.Dump(ctx); err != nil || len(d.TransportIDs) != 1 {
		t.Errorf("the survivor: %+v, %v", d, err)
	}
	eventually(t, "a replacement", func() bool {
		list, err := watcher.Workers(ctx)
		return err == nil && len(list) == 2 && list[victim.Slot].State == "running" && list[victim.Slot].PID != victim.PID
	})
	if len(lost) != 0 {
		t.Errorf("the survivor's router ended by %q", <-lost)
	}
	// The survivor has a producer, so the replacement has less to do.
	next, err := watcher.CreateRouter(ctx, control.RouterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if id := next.WorkerID(); id == victim.WorkerID || id == survivor.WorkerID {
		t.Errorf("the next router is on %q", id)
	}
}
