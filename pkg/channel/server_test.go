package channel

import (
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gazpacho/proto"
)

func TestHelloThenAttach(t *testing.T) {
	s := newTestServer(t, nil)
	p := s.peer()
	e := p.next()
	var hello proto.Hello
	if err := Decode(e.body, &hello); err != nil {
		t.Fatal(err)
	}
	want := proto.Hello{Protocol: proto.Current, Software: "gazpacho", PID: 42, Instance: "i", MaxFrame: MaxFrame}
	if e.kind != kindNotification || string(e.name) != proto.EventWorkerHello || !reflect.DeepEqual(hello, want) {
		t.Fatalf("got %+v with %+v", e, hello)
	}
	p.send(appendRequest(nil, 9, proto.WorkerAttach, "", attachBody(1)))
	e = p.next()
	var result proto.AttachResult
	if err := Decode(e.body, &result); err != nil || e.id != 9 || result.RouterIDs[0] != "r1" {
		t.Fatalf("got %+v with %+v, %v", e, result, err)
	}
}

// PROTOCOL.md: "Anything but worker.attach as the first message ends the connection."
func TestFirstMessageMustAttach(t *testing.T) {
	newer := attachBody(1)
	newer.Protocol.Minor++
	for _, tt := range []struct {
		name       string
		send       func() ([]byte, error)
		code, path string // of the error; none: no answer
	}{
		{"other request", func() ([]byte, error) { return appendRequest(nil, 5, proto.WorkerDumpMethod, "", nil) }, proto.CodeInvalidState, ""},
		{"older major", func() ([]byte, error) {
			return appendRequest(nil, 5, proto.WorkerAttach, "", proto.Attach{Protocol: proto.Version{Major: proto.Major - 1}})
		}, proto.CodeUnsupported, "protocol.major"},
		{"newer major", func() ([]byte, error) {
			return appendRequest(nil, 5, proto.WorkerAttach, "", proto.Attach{Protocol: proto.Version{Major: proto.Major + 1}})
		}, proto.CodeUnsupported, "protocol.major"},
		{"bad body", func() ([]byte, error) { return appendRequest(nil, 5, proto.WorkerAttach, "", m{"epoch": "x"}) }, proto.CodeBadBody, "epoch"},
		{"no body", func() ([]byte, error) { return appendRequest(nil, 5, proto.WorkerAttach, "", nil) }, proto.CodeUnsupported, "protocol.major"},
		{"notification", func() ([]byte, error) { return appendNotification(nil, "x", "", nil) }, "", ""},
		{"log", func() ([]byte, error) { return appendLog(nil, Log{}) }, "", ""},
		{"no envelope", func() ([]byte, error) { return []byte{0x80}, nil }, "", ""},
		{"killer", func() ([]byte, error) { return unhex(t, "ddffffffff"), nil }, "", ""},
	} {
		s := newTestServer(t, nil)
		p := s.peer()
		p.next()
		p.send(tt.send())
		if tt.code != "" {
			if err := p.refused(5); err.Code != tt.code || err.Path != tt.path {
				t.Errorf("%s: got %+v", tt.name, err)
			}
		}
		p.ends()
		s.wg.Wait()
		if len(s.requests) != 0 || len(s.heard()) != 0 {
			t.Errorf("%s: the worker was told %v %v", tt.name, s.requests, s.heard())
		}
		if !strings.Contains(s.logged(), "level=WARN") {
			t.Errorf("%s: not logged: %s", tt.name, s.logged())
		}
	}
	// A newer minor version is welcome.
	s := newTestServer(t, nil)
	p := s.peer()
	p.next()
	p.send(appendRequest(nil, 1, proto.WorkerAttach, "", newer))
	p.attached()
}

func TestSecondControllerNeedsAHigherEpoch(t *testing.T) {
	s := newTestServer(t, nil)
	first := s.peer()
	first.attach(5)
	first.attached()
	for _, epoch := range []uint64{0, 4, 5} {
		p := s.peer()
		p.attach(epoch)
		if err := p.refused(1); err.Code != proto.CodeBusy {
			t.Errorf("epoch %d: got %+v", epoch, err)
		}
		p.ends()
	}
	second := s.peer()
	second.attach(6)
	second.attached()
	first.ends()
	if !strings.Contains(s.logged(), "controller replaced") {
		t.Errorf("not logged: %s", s.logged())
	}
	second.conn.Close()
	s.wg.Wait()
	if got := fmt.Sprint(s.heard()); got != "[attached test attached test detached]" {
		t.Errorf("the worker was told %s", got)
	}
	// Nobody is attached: any epoch will do.
	third := s.peer()
	third.attach(1)
	third.attached()
}

func TestAttachingTwice(t *testing.T) {
	s := newTestServer(t, nil)
	p := s.peer()
	p.attach(1)
	p.attached()
	p.send(appendRequest(nil, 2, proto.WorkerAttach, "", attachBody(9)))
	if err := p.refused(2); err.Code != proto.CodeInvalidState {
		t.Errorf("got %+v", err)
	}
	s.Notify("p", proto.Event{Name: proto.EventTransportListenServerClose})
	if e := p.next(); string(e.name) != proto.EventTransportListenServerClose {
		t.Errorf("got %+v", e)
	}
}

// TestEventsFollowTheAnswerToAttach: what happens before is dropped, the controller reads dumps; what happens after comes after.
func TestEventsFollowTheAnswerToAttach(t *testing.T) {
	var s *Server
	event := func(target string) { s.Notify(target, proto.Event{Name: proto.EventConsumerProducerClose}) }
	s = NewServer(Config{
		Attached: func(proto.Attach) { event("too early") },
		Request: func(r Request) {
			event("before")
			s.Log(Log{Text: "before"})
			s.NotifyBinary("before", "x", nil, nil)
			r.Respond(proto.AttachResult{}, nil)
			event("after")
		},
	})
	event("nobody")
	ours, theirs := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Accept(ours)
	}()
	p := newPeer(t, theirs)
	p.attach(1)
	p.attached()
	if e := p.next(); string(e.handlerID) != "after" {
		t.Errorf("got %+v", e)
	}
	theirs.Close()
	<-done
}

func TestConnectionThatNeverAttaches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(t, nil)
		p := s.peer()
		p.next()
		start := time.Now()
		p.ends()
		if d := time.Since(start); d != attachTimeout {
			t.Errorf("ended after %v", d)
		}
	})
}

func TestAttachedControllerMayBeSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(t, func(r Request) { r.Respond(nil, nil) })
		p := s.peer()
		p.attach(1)
		p.attached()
		time.Sleep(100 * attachTimeout)
		p.send(appendRequest(nil, 2, proto.WorkerDumpMethod, "", nil))
		if e := p.next(); e.id != 2 {
			t.Errorf("got %+v", e)
		}
	})
}

func TestTooManyConnections(t *testing.T) {
	s := newTestServer(t, nil)
	for range maxConns {
		s.peer().next()
	}
	s.peer().ends()
}

func TestRequestsArriveInOrderUndecoded(t *testing.T) {
	s := newTestServer(t, nil)
	p := s.peer()
	p.attach(1)
	p.attached()
	for i := range uint32(100) {
		p.send(appendRequest(nil, i, proto.WorkerCreateRouter, fmt.Sprint(i), m{"routerId": i}))
	}
	p.conn.Close()
	s.wg.Wait()
	for i, r := range s.requests[1:] {
		var into struct {
			RouterID int `json:"routerId"`
		}
		if err := Decode(r.Body, &into); err != nil || r.ID != uint32(i) || into.RouterID != i || r.HandlerID != fmt.Sprint(i) {
			t.Fatalf("request %d is %+v with %+v, %v", i, r, into, err)
		}
	}
	if len(s.requests) != 101 {
		t.Errorf("%d requests", len(s.requests))
	}
}

func TestNotificationsOfAController(t *testing.T) {
	s := newTestServer(t, nil)
	p := s.peer()
	p.attach(1)
	p.attached()
	p.send(appendNotification(nil, "producer.x", "p1", nil))
	p.send(appendBinary(nil, "producer.send", "p2", nil, []byte("rtp")))
	p.conn.Close()
	s.wg.Wait()
	want := "[attached test notification producer.x p1  notification producer.send p2 rtp detached]"
	if got := fmt.Sprint(s.heard()); got != want {
		t.Errorf("got %s", got)
	}
}

func TestFramingErrorsEndTheConnection(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty frame":    unhex(t, "00000000"),
		"long frame":     unhex(t, "00800001"),
		"killer":         unhex(t, "00000005ddffffffff"),
		"trailing bytes": unhex(t, "00000002c0c0"),
		"response":       framed(unhex(t, "940101c0c0")),
		"log":            framed(unhex(t, "9604a0a000a0c0")),
		"no array":       framed(unhex(t, "a0")),
	} {
		s := newTestServer(t, nil)
		p := s.peer()
		p.attach(1)
		p.attached()
		if _, err := p.conn.Write(b); err != nil {
			t.Fatal(err)
		}
		p.ends()
		s.wg.Wait()
		if got := fmt.Sprint(s.heard()); got != "[attached test detached]" {
			t.Errorf("%s: the worker was told %s", name, got)
		}
		if !strings.Contains(s.logged(), "level=WARN") || !strings.Contains(s.logged(), "protocol error") {
			t.Errorf("%s: logged %s", name, s.logged())
		}
	}
}

func TestResponses(t *testing.T) {
	huge := proto.AttachResult{Instance: strings.Repeat("x", MaxFrame)}
	s := newTestServer(t, func(r Request) {
		switch r.Method {
		case "result":
			r.Respond(&proto.SetPriorityResult{Priority: 3}, nil)
		case "refused":
			r.Respond(nil, proto.NotFound("router", "x"))
		case "huge":
			r.Respond(huge, nil)
		case "impossible":
			r.Respond(func() {}, nil)
		}
	})
	p := s.peer()
	p.attach(1)
	p.attached()
	p.send(appendRequest(nil, 2, "result", "", nil))
	var result proto.SetPriorityResult
	if e := p.next(); Decode(e.body, &result) != nil || result.Priority != 3 {
		t.Errorf("got %+v", e)
	}
	for id, tt := range map[uint32]struct{ method, code string }{
		3: {"refused", proto.CodeNotFound},
		4: {"huge", proto.CodeLimit},
		5: {"impossible", proto.CodeInternal},
	} {
		p.send(appendRequest(nil, id, tt.method, "", nil))
		if err := p.refused(id); err.Code != tt.code {
			t.Errorf("%s: got %+v", tt.method, err)
		}
	}
	s.requests[0].Respond(nil, nil)
	p.conn.Close()
	s.wg.Wait()
	s.requests[0].Respond(nil, nil) // does nothing
}

func TestEventsThatCannotBeSent(t *testing.T) {
	s := newTestServer(t, nil)
	p := s.peer()
	p.attach(1)
	p.attached()
	if s.Notify("t", proto.Event{Name: "x", Body: func() {}}) {
		t.Error("an impossible body was sent")
	}
	if s.NotifyBinary("t", "x", nil, make([]byte, MaxFrame)) {
		t.Error("a huge one was sent")
	}
	s.Log(Log{Text: "impossible", Fields: m{"f": func() {}}})
	s.Log(Log{Text: "possible"})
	if e := p.next(); e.kind != kindLog || string(e.text) != "possible" {
		t.Errorf("got %+v", e)
	}
	if !strings.Contains(s.logged(), "event lost") {
		t.Errorf("logged %s", s.logged())
	}
}

// TestStalledControllerIsGone: "a controller that stalls past 16 MiB is treated as gone", and the loop never waits for it.
func TestStalledControllerIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(t, nil)
		p := s.peer()
		p.attach(1)
		p.attached()
		state := proto.Event{Name: proto.EventDTLSStateChange, Body: proto.DTLSStateChange{Reason: strings.Repeat("x", 1<<20)}}
		for i := range 15 {
			s.Notify("t", state)
			if synctest.Wait(); len(s.heard()) != 1 {
				t.Fatalf("gone after %d MiB", i+1)
			}
		}
		// Lossy and coalesced ones alone never end it.
		score := proto.Event{Name: proto.EventProducerScore, Body: proto.ProducerScore{{RID: strings.Repeat("y", 1<<19)}}}
		trace := proto.Event{Name: proto.EventProducerTrace, Body: proto.TraceEvent{Type: strings.Repeat("z", 1<<18)}}
		for range 100 {
			s.Notify("p", score)
			s.Notify("p", trace)
		}
		if synctest.Wait(); len(s.heard()) != 1 || s.Dropped() == 0 {
			t.Fatalf("gone, or nothing dropped of too much: %v, %d", s.heard(), s.Dropped())
		}
		dropped := s.Dropped()
		s.Notify("t", state)
		s.Notify("t", state)
		synctest.Wait()
		if got := fmt.Sprint(s.heard()); got != "[attached test detached]" {
			t.Errorf("the worker was told %s", got)
		}
		if s.Dropped() != dropped {
			t.Errorf("%d dropped, then %d", dropped, s.Dropped())
		}
		if !strings.Contains(s.logged(), "stalled") {
			t.Errorf("logged %s", s.logged())
		}
	})
}

// TestCoalescedForASlowController: of a score that changes while nobody reads, only the last arrives, state arrives whole.
func TestCoalescedForASlowController(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(t, nil)
		p := s.peer()
		p.attach(1)
		p.attached()
		// The writer is busy with this one, whose reader does not come.
		s.Notify("c", proto.Event{Name: proto.EventConsumerProducerPause})
		synctest.Wait()
		for i := range 200 {
			s.Notify("p1", proto.Event{Name: proto.EventProducerScore, Body: proto.ProducerScore{{SSRC: 1, Score: uint8(i)}}})
			s.Notify("p2", proto.Event{Name: proto.EventProducerScore, Body: proto.ProducerScore{{SSRC: 2, Score: uint8(i)}}})
			s.Notify("c", proto.Event{Name: proto.EventConsumerProducerPause})
		}
		scores, pauses := []string{}, 0
		for pauses < 201 {
			e := p.next()
			if string(e.name) == proto.EventConsumerProducerPause {
				pauses++
				continue
			}
			var score proto.ProducerScore
			if err := Decode(e.body, &score); err != nil {
				t.Fatal(err)
			}
			scores = append(scores, fmt.Sprint(string(e.handlerID), score[0].Score))
		}
		if got := fmt.Sprint(scores); got != "[p1199 p2199]" {
			t.Errorf("got %s", got)
		}
	})
}

// TestSilenceAndVolumesReplaceEachOther: else an older silence would follow the volumes that ended it.
func TestSilenceAndVolumesReplaceEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(t, nil)
		p := s.peer()
		p.attach(1)
		p.attached()
		s.Notify("c", proto.Event{Name: proto.EventConsumerProducerPause})
		synctest.Wait()
		volumes := proto.Event{Name: proto.EventAudioLevelObserverVolumes, Body: proto.AudioVolumes{{ProducerID: "p", Volume: -20}}}
		s.Notify("o", volumes)
		s.Notify("o", proto.Event{Name: proto.EventAudioLevelObserverSilence})
		s.Notify("other", proto.Event{Name: proto.EventAudioLevelObserverSilence})
		s.Notify("o", volumes)
		p.next()
		var got []string
		for range 2 {
			e := p.next()
			got = append(got, string(e.name)+" "+string(e.handlerID))
		}
		if s := strings.Join(got, ", "); s != "audioLevelObserver.volumes o, audioLevelObserver.silence other" {
			t.Errorf("got %s", s)
		}
	})
}

// FuzzServer gives a server arbitrary bytes after its hello, or after attach: it never panics, and always lets go.
func FuzzServer(f *testing.F) {
	attach, err := appendRequest(nil, 1, proto.WorkerAttach, "", attachBody(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(true, unhex(f, "00000005ddffffffff"))
	f.Add(true, unhex(f, "00000006950002a16da0c0"))
	f.Add(false, unhex(f, "0000000695 0001 a16d a0c0"))
	f.Add(false, framed(attach))
	f.Fuzz(func(t *testing.T, attached bool, stream []byte) {
		s := NewServer(Config{Request: func(r Request) { r.Respond(r.Body, nil) }, Notification: func(Notification) {}})
		ours, theirs := net.Pipe()
		read, served := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(served)
			s.Accept(ours)
		}()
		go func() {
			defer close(read)
			io.Copy(io.Discard, theirs)
		}()
		if attached {
			theirs.Write(framed(attach))
		}
		theirs.Write(stream)
		theirs.Close()
		<-served
		<-read
		if s.attached != nil || len(s.conns) != 0 {
			t.Fatal("something is left")
		}
	})
}

func TestCloseFlushes(t *testing.T) {
	s := newTestServer(t, nil)
	p := s.peer()
	p.attach(1)
	p.attached()
	for i := range 1000 {
		s.Notify(fmt.Sprint(i), proto.Event{Name: proto.EventConsumerProducerClose})
	}
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	for i := range 1000 {
		if e := p.next(); string(e.handlerID) != fmt.Sprint(i) {
			t.Fatalf("event %d is %+v", i, e)
		}
	}
	p.ends()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	s.peer().ends()
}

func TestCloseDoesNotWaitForTheStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(t, nil)
		p := s.peer()
		p.attach(1)
		p.attached()
		s.Notify("x", proto.Event{Name: proto.EventConsumerProducerClose})
		start := time.Now()
		s.Close()
		if d := time.Since(start); d != flushTimeout {
			t.Errorf("took %v", d)
		}
		s.wg.Wait()
	})
}
