// Package scripts tests the scripts of this directory.
package scripts

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"

	"gazpacho/pkg/channel"
	"gazpacho/proto"
)

// python runs python3 with args and returns what it wrote and whether it ended with 0.
func python(t *testing.T, args ...string) (stdout, stderr string, ok bool) {
	t.Helper()
	bin, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal("python3 is needed to test the scripts: install python3")
	}
	cmd := exec.Command(bin, append([]string{"-B"}, args...)...) // nothing compiled is left in the tree
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err == nil
}

// fake is a worker that knows what drive.py asks for.
type fake struct {
	mu      sync.Mutex
	asked   []string
	refuse  map[string]*proto.Error
	created proto.WebRTCTransportDump
}

func (f *fake) request(r channel.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, r.Method)
	if err := f.refuse[r.Method]; err != nil {
		r.Respond(nil, err)
		return
	}
	switch r.Method {
	case proto.WorkerAttach:
		r.Respond(proto.AttachResult{Protocol: proto.Current}, nil)
	case proto.RouterCreateWebRTCTransport:
		var o proto.WebRTCTransportOptions
		if err := channel.Decode(r.Body, &o); err != nil {
			r.Respond(nil, err)
			return
		}
		f.created.ID = o.TransportID
		f.created.ICECandidates = []proto.ICECandidate{{Foundation: "udpcandidate", Address: o.ListenInfos[0].IP, Protocol: o.ListenInfos[0].Protocol, Port: 40000}}
		r.Respond(&f.created, nil)
	case proto.TransportDumpMethod:
		r.Respond(&f.created, nil)
	case proto.WorkerDumpMethod:
		r.Respond(proto.WorkerDump{RouterIDs: []string{}}, nil)
	default:
		r.Respond(nil, nil)
	}
}

// serve starts f and returns the path of its socket.
func (f *fake) serve(t *testing.T) (*channel.Server, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "w.sock")
	s, err := channel.Listen("unix:"+path, channel.Config{Hello: proto.Hello{Software: "fake"}, Request: f.request})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return s, path
}

func TestDriveKnowsTheProtocol(t *testing.T) {
	f := &fake{created: proto.WebRTCTransportDump{ICEState: proto.ICENew, TransportDump: proto.TransportDump{MaxSendMessageSize: 262144}}}
	_, path := f.serve(t)
	stdout, stderr, ok := python(t, "drive.py", "--channel", path)
	if !ok || stderr != "" {
		t.Fatalf("failed: %s", stderr)
	}
	var dump proto.WebRTCTransportDump
	if err := json.Unmarshal([]byte(stdout), &dump); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(dump, f.created) || dump.ICECandidates[0].Address != "127.0.0.1" {
		t.Errorf("printed %s", stdout)
	}
	want := "worker.attach worker.createRouter router.createWebRtcTransport transport.dump router.closeTransport worker.closeRouter worker.dump"
	if got := strings.Join(f.asked, " "); got != want {
		t.Errorf("asked for %s", got)
	}
}

func TestDriveFailsClearly(t *testing.T) {
	refusing := &fake{refuse: map[string]*proto.Error{proto.RouterCreateWebRTCTransport: proto.BadField("listenInfos[0].ip", "no such address")}}
	_, refuses := refusing.serve(t)
	busy := &fake{refuse: map[string]*proto.Error{proto.WorkerAttach: proto.Failed(proto.CodeBusy, "taken")}}
	_, taken := busy.serve(t)
	for _, tt := range []struct {
		args []string
		says string
	}{
		{[]string{"--channel", refuses}, "drive.py: router.createWebRtcTransport was refused: TypeError bad-field: no such address (listenInfos[0].ip)\n"},
		{[]string{"--channel", taken}, "drive.py: worker.attach was refused: Error busy: taken\n"},
		{[]string{"--channel", t.TempDir() + "/none"}, "/none: No such file or directory\n"},
		{[]string{"--worker", t.TempDir() + "/none"}, "FileNotFoundError"},
		{[]string{"--worker", "/bin/false"}, "drive.py: the worker ended with 1 before it listened\n"},
		{nil, "one of the arguments --worker --channel is required"},
	} {
		if stdout, stderr, ok := python(t, append([]string{"drive.py"}, tt.args...)...); ok || !strings.Contains(stderr, tt.says) || stdout != "" {
			t.Errorf("%q: %v, %s%s", tt.args, ok, stdout, stderr)
		}
	}
}

// TestVectorsInPython holds the golden vectors against an encoder and a decoder that share nothing with those which made them.
func TestVectorsInPython(t *testing.T) {
	stdout, stderr, ok := python(t, "-c", `
import json, struct, sys
sys.path.insert(0, ".")
from gazpacho import Failure, pack, unpack

def plain(v):
    if isinstance(v, bytes): return {"$hex": v.hex()}
    if isinstance(v, list): return [plain(x) for x in v]
    if isinstance(v, dict): return {k: plain(x) for k, x in v.items()}
    return v

def load(name):
    vectors = json.load(open("../proto/testdata/" + name))
    assert vectors, name
    return vectors

count = 0
for v in load("frames.json"):
    frame = bytes.fromhex(v["hex"])
    assert struct.unpack(">I", frame[:4])[0] == len(frame) - 4, v["name"]
    value = unpack(frame[4:])
    assert plain(value) == v["envelope"], v["name"]
    assert pack(value) == frame[4:] or "long encodings" in v["name"], v["name"]
    count += 1
for v in load("bodies.json"):
    value = unpack(bytes.fromhex(v["hex"]))
    assert plain(value) == v["body"], v["name"]
    assert pack(value).hex() == v["hex"], v["name"]
    count += 1
for v in load("invalid.json"):
    frame = bytes.fromhex(v["hex"])
    n = struct.unpack(">I", frame[:4])[0]
    if "envelope" in v["why"] or not 0 < n <= 8 << 20:
        continue
    try:
        unpack(frame[4:])
    except Failure:
        count += 1
        continue
    raise AssertionError("passed: " + v["name"])
print(count)
`)
	if !ok {
		t.Fatal(stderr)
	}
	if n, err := strconv.Atoi(strings.TrimSpace(stdout)); err != nil || n < 70 {
		t.Errorf("%q vectors were seen", stdout)
	}
}

// TestDriveAWorker is the proof: the real worker, and a client that was written from PROTOCOL.md.
func TestDriveAWorker(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "worker")
	build := exec.Command("go", "build", "-o", bin, "./cmd/worker")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build ./cmd/worker: %v\n%s", err, out)
	}
	stdout, stderr, ok := python(t, "drive.py", "--worker", bin)
	if !ok {
		t.Fatalf("failed: %s", stderr)
	}
	var dump proto.WebRTCTransportDump
	if err := json.Unmarshal([]byte(stdout), &dump); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	if dump.ICEState != proto.ICENew || dump.DTLSState != proto.DTLSNew || !dump.ICEParameters.ICELite {
		t.Errorf("printed %s", stdout)
	}
	if len(dump.ICECandidates) != 1 || dump.ICECandidates[0].Address != "127.0.0.1" || dump.ICECandidates[0].Port == 0 {
		t.Errorf("candidates %+v", dump.ICECandidates)
	}
}
