package worker_test

import (
	"fmt"
	"net"
	"reflect"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"gazpacho/pkg/loop"
	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

func statistics(w *simtest.Worker) proto.WorkerStats {
	return simtest.Request[proto.WorkerStats](w, proto.WorkerGetStats, "", nil)
}

// A worker counts under the reasons that PROTOCOL.md explains, and under no others.
func TestDropReasonsAreDocumented(t *testing.T) {
	got := statistics(simtest.StartWorker(t)).Drops
	for _, r := range proto.DropReasons {
		if _, ok := got[r.Name]; !ok {
			t.Errorf("%s is explained, but not counted", r.Name)
		}
		delete(got, r.Name)
	}
	for name := range got {
		t.Errorf("%s is counted, but not explained", name)
	}
}

func TestTurnBoundsAreTheProtocols(t *testing.T) {
	if len(loop.TurnBounds) != len(proto.TurnBounds) {
		t.Fatalf("%d classes, the protocol has %d", len(loop.TurnBounds), len(proto.TurnBounds))
	}
	for i, bound := range loop.TurnBounds {
		if uint64(bound.Microseconds()) != proto.TurnBounds[i] {
			t.Errorf("class %d ends at %v, in the protocol at %d µs", i, bound, proto.TurnBounds[i])
		}
	}
}

// books checks what must be true of a worker at rest: what the sockets handed up was handled or dropped, what the transports sent was taken or
// dropped, and every handshake and every turn is in one place.
func books(s *proto.WorkerStats) error {
	units := map[string]proto.DropUnit{}
	for _, r := range proto.DropReasons {
		units[r.Name] = r.Unit
	}
	t := &s.Traffic
	settled := t.STUNReceived + t.DTLSReceived + t.RTPPacketsReceived + t.RTXPacketsReceived + t.RTCPPacketsReceived
	for reason, n := range s.Drops {
		if units[reason] == proto.DropReceived {
			settled += n
		}
	}
	left := s.Egress.Packets
	for _, n := range s.Egress.Drops {
		left += n
	}
	over := s.Handshakes.Completed + uint64(s.Handshakes.Running)
	for _, n := range s.Handshakes.Failures {
		over += n
	}
	turns := uint64(0)
	for _, n := range s.Loop.TurnTimes {
		turns += n
	}
	kinds := t.STUNSent + t.DTLSSent + t.RTPPacketsSent + t.RTXPacketsSent + t.RTCPPacketsSent
	switch {
	case s.UDP.Packets+s.TCP.Packets != settled:
		return fmt.Errorf("%d by UDP and %d by TCP were handed up, %d handled or dropped: %+v, %v", s.UDP.Packets, s.TCP.Packets, settled, *t, s.Drops)
	case t.PacketsSent != left || t.PacketsSent != kinds:
		return fmt.Errorf("%d packets were sent, %d by kind; %d were taken or dropped", t.PacketsSent, kinds, left)
	case s.Handshakes.Started != over:
		return fmt.Errorf("handshakes %+v", s.Handshakes)
	case turns != s.Loop.Turns:
		return fmt.Errorf("%d of %d turns are in a class", turns, s.Loop.Turns)
	}
	return nil
}

// atRest waits until the books balance, which they do once nothing is on its way.
func atRest(t *testing.T, w *simtest.Worker) proto.WorkerStats {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		s := statistics(w)
		err := books(&s)
		if err == nil {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
}

// notLess tells which counts of s decreased since before.
func notLess(t *testing.T, before, s proto.WorkerStats) {
	t.Helper()
	now, then := reflect.ValueOf(s), reflect.ValueOf(before)
	for _, part := range []string{"Traffic", "UDP", "Egress", "Handshakes", "TCP", "Loop"} {
		a, b := now.FieldByName(part), then.FieldByName(part)
		for i := range a.NumField() {
			name := part + "." + a.Type().Field(i).Name
			switch a.Field(i).Kind() {
			case reflect.Uint64:
				if a.Field(i).Uint() < b.Field(i).Uint() && name != "Loop.LongestTurn" {
					t.Errorf("%s went from %d to %d", name, b.Field(i).Uint(), a.Field(i).Uint())
				}
			case reflect.Map:
				for _, key := range b.Field(i).MapKeys() {
					if a.Field(i).MapIndex(key).Uint() < b.Field(i).MapIndex(key).Uint() {
						t.Errorf("%s of %v decreased", name, key)
					}
				}
			}
		}
	}
	for reason, n := range before.Drops {
		if s.Drops[reason] < n {
			t.Errorf("drops for %s went from %d to %d", reason, n, s.Drops[reason])
		}
	}
}

// A call over UDP and one over TCP, each on sockets of its own, with a stranger's noise beside them: everything is counted while they last, and
// stays when transports, sockets and routers are gone.
func TestStatisticsOfAWorker(t *testing.T) {
	w := simtest.StartWorker(t)
	idle := statistics(w)
	if err := books(&idle); err != nil || idle.Objects.Routers != 0 {
		t.Errorf("idle: %v, %+v", err, idle.Objects)
	}
	router, server := w.Router(), w.Server()
	var peers []*simtest.Peer
	for _, o := range []simtest.PeerOptions{{Individual: true}, {TCP: true}} {
		alice, bob := simtest.Connect(w, router, server, true, o), simtest.Connect(w, router, server, false, o)
		video := alice.Produce(proto.Video)
		alice.WaitConnected()
		see := bob.Consume(video)
		bob.WaitConnected()
		playUntil(t, video, func() {
			for range 20 {
				see.Read()
			}
		})
		peers = append(peers, alice, bob)
	}
	stranger(t, w, server)
	during := statistics(w)
	if o := during.Objects; o.Routers != 1 || o.Producers != 2 || o.Consumers != 2 || o.Transports["webrtc"]["connected"] != 4 || o.Transports["plain"]["open"] != 0 {
		t.Errorf("objects %+v", o)
	}
	if h := during.Handshakes; h.Started != 4 || h.Completed != 4 || h.Running != 0 || h.Attempts != 0 {
		t.Errorf("handshakes %+v", h)
	}
	if tr := during.Traffic; tr.RTPPacketsReceived < 40 || tr.RTPPacketsSent < 40 || tr.STUNReceived < 4 || tr.DTLSReceived < 8 || tr.DTLSSent < 8 ||
		tr.RTCPPacketsSent == 0 || tr.BytesReceived < 40*100 || tr.BytesSent < 40*100 {
		t.Errorf("traffic %+v", tr)
	}
	if p := during.Process; p.RSS < 1<<20 || p.Heap < 1<<18 || p.Goroutines < 5 || p.OpenFDs < 5 || p.CPUUser+p.CPUSystem == 0 || p.Panics != 0 {
		t.Errorf("process %+v", p)
	}
	if during.TCP.Open == 0 || during.TCP.Packets == 0 || during.UDP.Packets == 0 || during.Drops["unknownTuple"] == 0 || during.Drops["unknownUsername"] == 0 {
		t.Errorf("UDP %+v, TCP %+v, drops %v", during.UDP, during.TCP, during.Drops)
	}
	if during.Uptime <= idle.Uptime || during.Timestamp < idle.Timestamp || during.Loop.Busy == 0 || during.Loop.Posts == 0 || during.Loop.Packets == 0 {
		t.Errorf("uptime %d, loop %+v", during.Uptime, during.Loop)
	}

	for _, p := range peers {
		p.Close()
	}
	quiet := atRest(t, w)
	w.Do(proto.WorkerCloseRouter, "", proto.CloseRouter{RouterID: router})
	w.Do(proto.WorkerCloseWebRTCServer, "", proto.CloseWebRTCServer{WebRTCServerID: server})
	after := atRest(t, w)
	notLess(t, during, quiet)
	notLess(t, quiet, after)
	o := after.Objects
	for kind, states := range o.Transports {
		for state, n := range states {
			if n != 0 {
				t.Errorf("%d transports of kind %s are %s", n, kind, state)
			}
		}
	}
	if o.Routers+o.Producers+o.Consumers+o.DataProducers+o.DataConsumers != 0 {
		t.Errorf("objects %+v", o)
	}
}

// playUntil sends packets of a track while f lasts.
func playUntil(t *testing.T, s *simtest.Sending, f func()) {
	t.Helper()
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
			for _, track := range s.Tracks {
				_ = track.WriteRTP(&rtp.Packet{
					Header:  rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(n) * 450, Marker: true},
					Payload: vp8(n%50 == 0, uint16(n), 7),
				})
			}
		}
	}()
	f()
	close(done)
	<-ended
}

// stranger sends noise to a server, and a check for nobody.
func stranger(t *testing.T, w *simtest.Worker, server string) {
	t.Helper()
	before := statistics(w)
	at := simtest.Request[proto.WebRTCServerDump](w, proto.WebRTCServerDumpMethod, server, nil).UDPSockets[0]
	c, err := net.Dial("udp", net.JoinHostPort(at.IP, strconv.Itoa(int(at.Port))))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, b := range [][]byte{{0x80, 1, 2, 3}, forgedCheck(t, proto.ICEParameters{UsernameFragment: "nobody", Password: "secret"})} {
		if _, err := c.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	for statistics(w).Drops["unknownUsername"] == before.Drops["unknownUsername"] {
		time.Sleep(time.Millisecond)
	}
}

// The loop answers others while it is asked for statistics, and answers those in the order of the events before.
func TestStatisticsDoNotWait(t *testing.T) {
	w := simtest.StartWorker(t)
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			if s, err := simtest.TryRequest[proto.WorkerStats](w, proto.WorkerGetStats, "", nil); err != nil || s.Process.RSS == 0 {
				t.Errorf("%v %v", s.Process, err)
			}
		})
		wait.Go(func() {
			if d, err := simtest.TryRequest[proto.WorkerDump](w, proto.WorkerDumpMethod, "", nil); err != nil || d.PID == 0 {
				t.Errorf("%v %v", d, err)
			}
		})
	}
	wait.Wait()
}

// BenchmarkStatistics asks a worker with many transports how it fares. What counts is how long the loop is held.
func BenchmarkStatistics(b *testing.B) {
	const transports = 10_000
	w := simtest.StartWorker(b)
	router, server := w.Router(), w.Server()
	for n := range transports {
		simtest.Request[proto.WebRTCTransportDump](w, proto.RouterCreateWebRTCTransportWithServer, router,
			proto.WebRTCTransportOptions{TransportID: fmt.Sprint("t", n), WebRTCServerID: server})
	}
	before := statistics(w)
	b.ResetTimer()
	for range b.N {
		statistics(w)
	}
	b.StopTimer()
	after := statistics(w)
	if after.Objects.Transports["webrtc"]["new"] != transports {
		b.Fatalf("%v", after.Objects)
	}
	b.ReportMetric(float64(after.Loop.Busy-before.Loop.Busy)/float64(b.N), "loop-µs/op")
	b.ReportMetric(float64(after.Loop.LongestTurn), "last-turn-µs")
}
