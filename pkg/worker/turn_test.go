package worker_test

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v3"

	"gazpacho/pkg/simtest"
	"gazpacho/pkg/stun"
	"gazpacho/pkg/worker"
	"gazpacho/proto"
)

// turnSettings are those of a relay for tests: peers on this machine are allowed by name.
func turnSettings(listen ...string) *proto.TURNSettings {
	return &proto.TURNSettings{Listen: listen, Realm: "example.org", Users: map[string]string{"user": "secret"}, RelayAddresses: []string{"127.0.0.1"}}
}

// startTURN runs a worker that relays.
func startTURN(t *testing.T, s *proto.TURNSettings) *simtest.Worker {
	t.Helper()
	return simtest.StartWorkerWith(t, worker.Config{DetachGrace: time.Minute, TURN: worker.Relaying{Settings: s}})
}

func turnStats(w *simtest.Worker) proto.TURNStats {
	return simtest.Request[proto.WorkerStats](w, proto.WorkerGetStats, "", nil).TURN
}

// iceServer is a relay as a client is told of it.
func iceServer(at netip.AddrPort, transport string) *webrtc.ICEServer {
	return &webrtc.ICEServer{URLs: []string{fmt.Sprintf("turn:%s?transport=%s", at, transport)}, Username: "user", Credential: "secret"}
}

// freeAddress finds a port of loopback that is free for UDP and TCP.
func freeAddress(t *testing.T) netip.AddrPort {
	t.Helper()
	for range 50 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		at := l.Addr().(*net.TCPAddr).AddrPort()
		l.Close()
		if u, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at)); err == nil {
			u.Close()
			return at
		}
	}
	t.Fatal("no port was free")
	return netip.AddrPort{}
}

// A client that is to use its relay only sends and receives a call, whatever it reaches the relay by: a port of the relay's own, or that of media.
// Between the relay and the worker's media there is no socket: nothing arrives at the relayed addresses.
func TestCallThroughRelay(t *testing.T) {
	own := freeAddress(t)
	w := startTURN(t, turnSettings("udp:"+own.String(), "tcp:"+own.String()))
	router := w.Router()
	id := w.ID("server")
	dump := simtest.Request[proto.WebRTCServerDump](w, proto.WorkerCreateWebRTCServer, "", server(id, udp("127.0.0.1", 0), proto.ListenInfo{Protocol: "tcp", IP: "127.0.0.1"}))
	onMedia := func(p proto.IPPort) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(p.IP), p.Port) }
	for name, ice := range map[string]*webrtc.ICEServer{
		"own UDP": iceServer(own, "udp"), "own TCP": iceServer(own, "tcp"),
		"media UDP": iceServer(onMedia(dump.UDPSockets[0]), "udp"), "media TCP": iceServer(onMedia(dump.TCPServers[0]), "tcp"),
	} {
		t.Run(name, func(t *testing.T) { relayedCall(t, w, router, id, ice) })
	}
}

// relayedCall sends video through a relay and receives it through another.
func relayedCall(t *testing.T, w *simtest.Worker, router, id string, ice *webrtc.ICEServer) {
	t.Helper()
	before := turnStats(w).ShortCircuit.Packets
	alice := simtest.Connect(w, router, id, true, simtest.PeerOptions{TURN: ice})
	video := alice.Produce(proto.Video)
	alice.WaitConnected()
	play(t, video, func(n int) []byte { return vp8(n%50 == 0, uint16(n), byte(n)) })
	bob := simtest.Connect(w, router, id, false, simtest.PeerOptions{TURN: ice})
	see := bob.Consume(video)
	bob.WaitConnected()
	_, last, _ := see.Read()
	for range 50 {
		_, sequence, _ := see.Read()
		if sequence != last+1 {
			t.Errorf("packet %d after %d", sequence, last)
		}
		last = sequence
	}
	s := turnStats(w)
	if s.Allocations < 2 || s.ShortCircuit.Packets < before+50 {
		t.Errorf("%d allocations, %d packets went the short way, %d before", s.Allocations, s.ShortCircuit.Packets, before)
	}
	if s.Relays.Packets != 0 {
		t.Errorf("%d packets arrived at relayed addresses", s.Relays.Packets)
	}
	alice.Close()
	bob.Close()
}

// What allocations there are and what becomes of them is told over the channel, and no secret with it.
func TestTURNEventsAndDump(t *testing.T) {
	own := freeAddress(t)
	w := startTURN(t, turnSettings("udp:"+own.String()))
	router, id := w.Router(), w.Server()
	peer := simtest.Connect(w, router, id, true, simtest.PeerOptions{TURN: iceServer(own, "udp")})
	peer.Produce(proto.Audio)
	peer.WaitConnected()
	created := simtest.Wait(w, proto.EventTURNCreated, "", func(e proto.TURNEvent) bool { return true })
	if created.Username != "user" || created.Class != "static" || created.Listener != "udp:"+own.String() || created.ID == 0 || !strings.HasPrefix(created.Relay, "127.0.0.1:") {
		t.Errorf("created: %+v", created)
	}
	dump := simtest.Request[proto.TURNDump](w, proto.TURNDumpMethod, "", nil)
	if len(dump.Allocations) == 0 {
		t.Fatal("no allocation is shown")
	}
	a := dump.Allocations[0]
	if a.ID != created.ID || a.Username != "user" || a.Protocol != "udp" || a.Client != created.Client || len(a.Relays) != 1 || a.Relays[0] != created.Relay || len(a.Permissions) == 0 {
		t.Errorf("shown: %+v", a)
	}
	if text := fmt.Sprintf("%+v", dump); strings.Contains(text, "secret") {
		t.Error("the password is shown")
	}
	peer.Close()
	ended := simtest.Wait(w, proto.EventTURNEnded, "", func(e proto.TURNEvent) bool { return e.ID == created.ID })
	if ended.Reason != "deleted" {
		t.Errorf("ended: %+v", ended)
	}
}

// A worker begins to relay when its controller says so, takes other users, and keeps what it has when the new settings are wrong.
func TestUpdateTURN(t *testing.T) {
	w := simtest.StartWorker(t)
	own := freeAddress(t)
	if s := turnStats(w); s.Enabled || len(s.Listeners) != 0 {
		t.Errorf("before: %+v", s)
	}
	w.Do(proto.WorkerUpdateTURN, "", turnSettings("udp:"+own.String()))
	if s := turnStats(w); !s.Enabled || len(s.Listeners) != 3 {
		t.Errorf("after: %+v", s)
	}
	if got := binding(t, own.String()); got != stun.SuccessResponse {
		t.Errorf("a Binding request is answered by class %d", got)
	}
	for path, change := range map[string]func(*proto.TURNSettings){
		"realm":          func(s *proto.TURNSettings) { s.Realm = "" },
		"minPort":        func(s *proto.TURNSettings) { s.MinPort, s.MaxPort = 5000, 4000 },
		"listen":         func(s *proto.TURNSettings) { s.Listen = []string{"sctp:127.0.0.1:1"} },
		"relayAddresses": func(s *proto.TURNSettings) { s.RelayAddresses = []string{"0.0.0.0"} },
		"allowPeers":     func(s *proto.TURNSettings) { s.AllowPeers = []string{"10.0.0.1/8"} },
		"denyPeers":      func(s *proto.TURNSettings) { s.DenyPeers = []string{"ten"} },
		"mediaPorts":     func(s *proto.TURNSettings) { s.MediaPorts = []string{"10.0.0.1"} },
		"alternates":     func(s *proto.TURNSettings) { s.Alternates = []string{"10.0.0.1:0"} },
		"certificate":    func(s *proto.TURNSettings) { s.Listen = []string{"tls:127.0.0.1:5349"} },
		"key":            func(s *proto.TURNSettings) { s.Certificate = "PEM" },
		"secrets":        func(s *proto.TURNSettings) { s.Secrets = []string{""} },
		"users":          func(s *proto.TURNSettings) { s.Users = map[string]string{"": "x"} },
		"maxLifetime":    func(s *proto.TURNSettings) { s.MaxLifetime = 100_000_000 },
	} {
		s := turnSettings("udp:" + own.String())
		change(s)
		_, err := simtest.TryRequest[any](w, proto.WorkerUpdateTURN, "", s)
		if e, ok := err.(*proto.Error); !ok || e.Path != path {
			t.Errorf("%s: %v", path, err)
		}
	}
	s := turnSettings("udp:" + own.String())
	s.Users = map[string]string{"other": "word"}
	w.Do(proto.WorkerUpdateTURN, "", s)
}

// binding asks for a Binding as STUN clients do, and returns the class of the answer; 255 if there is none.
func binding(t *testing.T, at string) stun.Class {
	t.Helper()
	nc, err := net.Dial("udp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	b := make([]byte, 1500)
	m := stun.Build(b, stun.Request, stun.Binding, stun.TransactionID{1})
	if _, err := nc.Write(b[:m.Finish()]); err != nil {
		t.Fatal(err)
	}
	_ = nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, err := nc.Read(b)
	var got stun.Message
	if err != nil || !got.Parse(b[:n]) {
		return 255
	}
	return got.Class
}

// R-ICE-1: a port of media answers nobody that ICE does not know, unless the worker relays. Then it answers STUN, and still nothing else.
func TestMediaPortsWithoutTURNAreSilent(t *testing.T) {
	w := simtest.StartWorker(t)
	dump := simtest.Request[proto.WebRTCServerDump](w, proto.WorkerCreateWebRTCServer, "", server("s", udp("127.0.0.1", 0)))
	nc, err := net.Dial("udp", fmt.Sprint("127.0.0.1:", dump.UDPSockets[0].Port))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	b := make([]byte, 1500)
	for _, method := range []stun.Method{stun.Binding, stun.Allocate, stun.Refresh} {
		m := stun.Build(b, stun.Request, method, stun.TransactionID{1})
		m.AddUint32(stun.AttrRequestedTransport, 17<<24)
		if _, err := nc.Write(b[:m.Finish()]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := nc.Write([]byte{0x40, 0, 0, 4, 1, 2, 3, 4}); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for simtest.Request[proto.WorkerStats](w, proto.WorkerGetStats, "", nil).UDP.Packets < 4 {
		if time.Now().After(deadline) {
			t.Fatal("the packets do not arrive")
		}
	}
	s := simtest.Request[proto.WorkerStats](w, proto.WorkerGetStats, "", nil)
	if s.Egress.Packets != 0 || s.Traffic.PacketsSent != 0 {
		t.Errorf("%d packets were sent", s.Egress.Packets)
	}
}
