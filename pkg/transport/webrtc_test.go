package transport

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

func TestDTLSRoles(t *testing.T) {
	tests := []struct{ remote, local, path string }{
		{remote: "client", local: "server"},
		{remote: "server", local: "client"},
		{remote: "auto", local: "client"},
		{remote: "", local: "client"},
		{remote: "both", path: "dtlsParameters.role"},
	}
	for _, tt := range tests {
		b := newBench(t)
		w := b.webrtc(b.server(), "t")
		role, err := w.Connect(b.now, &proto.DTLSParameters{Role: tt.remote, Fingerprints: b.env.Fingerprints})
		switch {
		case tt.path != "":
			if err == nil || err.Path != tt.path {
				t.Errorf("%q: error %v", tt.remote, err)
			}
		case err != nil || role != tt.local || b.islands[0].role != tt.local:
			t.Errorf("%q: role %q, error %v", tt.remote, role, err)
		}
	}
}

func TestConnectOnce(t *testing.T) {
	b := newBench(t)
	w := b.webrtc(b.server(), "t")
	if _, err := w.Connect(b.now, &proto.DTLSParameters{}); err == nil || err.Path != "dtlsParameters.fingerprints" {
		t.Errorf("without fingerprints: %v", err)
	}
	good := &proto.DTLSParameters{Fingerprints: b.env.Fingerprints}
	if _, err := w.Connect(b.now, good); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Connect(b.now, good); err == nil || err.Name != proto.InvalidStateErrorName {
		t.Errorf("the second time: %v", err)
	}
}

// A refused connect changes nothing: the next one may succeed.
func TestConnectRefusedByDTLS(t *testing.T) {
	b := newBench(t)
	w := b.webrtc(b.server(), "t")
	b.env.NewDTLS = func(*WebRTC) DTLS {
		i := &fakeIsland{refuse: proto.BadField("dtlsParameters.fingerprints", "no")}
		b.islands = append(b.islands, i)
		return i
	}
	if _, err := w.Connect(b.now, &proto.DTLSParameters{Fingerprints: b.env.Fingerprints}); err == nil {
		t.Fatal("no error")
	}
	if w.dtls != nil || !b.islands[0].closed || w.dtlsState != proto.DTLSNew {
		t.Error("the refused association stayed")
	}
}

// DTLS starts when both the address and the fingerprints are known, in either order.
func TestDTLSIsReadyInEitherOrder(t *testing.T) {
	for _, addressFirst := range []bool{true, false} {
		b := newBench(t)
		w := b.webrtc(b.server(), "t")
		if addressFirst {
			b.reach(w, peerAddress)
		}
		if _, err := w.Connect(b.now, &proto.DTLSParameters{Role: "server", Fingerprints: b.env.Fingerprints}); err != nil {
			t.Fatal(err)
		}
		if !addressFirst {
			if b.islands[0].ready != 0 {
				t.Error("ready without an address")
			}
			b.reach(w, peerAddress)
		}
		if b.islands[0].ready == 0 {
			t.Errorf("address first %v: never ready", addressFirst)
		}
	}
}

func keys() Keys {
	return Keys{
		Profile: 7, LocalKey: make([]byte, 16), LocalSalt: make([]byte, 12), RemoteKey: make([]byte, 16), RemoteSalt: make([]byte, 12),
	}
}

func TestDTLSStatesAndEvents(t *testing.T) {
	b := newBench(t)
	w := b.webrtc(b.server(), "t")
	b.reach(w, peerAddress)
	b.take()
	w.DTLSConnecting(b.now)
	w.DTLSConnected(b.now, keys(), "PEM")
	if !w.open() || w.reports.At() != b.now.Add(firstReport) {
		t.Errorf("open %v, first report at %v", w.open(), w.reports.At())
	}
	if d := w.Dump().(proto.WebRTCTransportDump); d.DTLSState != "connected" || d.DTLSRemoteCert != "PEM" {
		t.Errorf("dump: %+v", d)
	}
	w.DTLSClosed(b.now, "bye")
	if w.open() || w.reports.Pending() {
		t.Error("still open")
	}
	want := []string{"connecting", "connected", "closed"}
	events := b.take()
	for i, e := range events {
		if !strings.Contains(e, proto.EventDTLSStateChange) || !strings.Contains(e, "DTLSState:"+want[i]) {
			t.Errorf("event %d: %s, want %s", i, e, want[i])
		}
	}
	if len(events) != len(want) {
		t.Errorf("events: %v", events)
	}
}

func TestBadKeysFail(t *testing.T) {
	b := newBench(t)
	w := b.webrtc(b.server(), "t")
	k := keys()
	k.LocalKey = k.LocalKey[:3]
	w.DTLSConnected(b.now, k, "PEM")
	if w.session != nil || w.dtlsState != proto.DTLSFailed {
		t.Errorf("state %s", w.dtlsState)
	}
}

func TestCandidates(t *testing.T) {
	locals := []Local{
		{Info: proto.ListenInfo{Protocol: "udp", IP: "10.0.0.1", AnnouncedAddress: "host.example", ExposeInternalIP: true}, Protocol: tuple.UDP},
		{Info: proto.ListenInfo{Protocol: "tcp", IP: "10.0.0.1"}, Protocol: tuple.TCP},
	}
	locals[0].Address = peerAddress
	locals[1].Address = peerAddress
	show := func(list []proto.ICECandidate) string {
		var s []string
		for _, c := range list {
			s = append(s, c.Protocol+c.TCPType+" "+c.Address)
			if c.IP != c.Address || c.Type != "host" || c.Port != peerAddress.Port() || c.Foundation == "" {
				t.Errorf("candidate %+v", c)
			}
		}
		return strings.Join(s, ", ")
	}
	both := candidates(locals, &proto.WebRTCTransportOptions{}, true, true)
	if got := show(both); got != "udp host.example, udp 198.51.100.7, tcppassive 198.51.100.7" {
		t.Errorf("candidates: %s", got)
	}
	if !slices.IsSortedFunc(both, func(a, b proto.ICECandidate) int { return int(int64(b.Priority) - int64(a.Priority)) }) {
		t.Errorf("priorities do not fall: %+v", both)
	}
	preferred := candidates(locals, &proto.WebRTCTransportOptions{PreferTCP: true}, true, true)
	if preferred[2].Priority <= preferred[0].Priority {
		t.Errorf("TCP is not preferred: %+v", preferred)
	}
	if got := show(candidates(locals, &proto.WebRTCTransportOptions{}, false, true)); got != "tcppassive 198.51.100.7" {
		t.Errorf("TCP only: %s", got)
	}
}

func TestNoCandidateIsAnError(t *testing.T) {
	b := newBench(t)
	no := false
	o := &proto.WebRTCTransportOptions{TransportID: "t", EnableUDP: &no, EnableTCP: &no}
	s := b.server()
	if _, err := NewWebRTC(b.now, b.env, b, s, o); err == nil || err.Path != "enableUdp" {
		t.Errorf("error %v", err)
	}
	if len(s.members)+len(s.fragments) != 0 {
		t.Error("the refused transport stayed")
	}
}

func TestConsentTimeoutOption(t *testing.T) {
	number := func(n int) *int { return &n }
	tests := []struct {
		option *int
		want   time.Duration
		bad    bool
	}{
		{nil, 30 * time.Second, false},
		{number(0), 0, false},
		{number(3), 10 * time.Second, false},
		{number(25), 25 * time.Second, false},
		{number(600), 60 * time.Second, false},
		{number(-1), 0, true},
	}
	for _, tt := range tests {
		got, err := consentTimeout(tt.option)
		if got != tt.want || (err != nil) != tt.bad {
			t.Errorf("%v: %v, %v", tt.option, got, err)
		}
	}
}

// Old credentials stay valid until the peer uses the new ones, so media flows on during a restart.
func TestRestartICE(t *testing.T) {
	b := newBench(t)
	s := b.server()
	w := b.webrtc(s, "t")
	b.reach(w, peerAddress)
	old := w.iceParameters()
	fresh, err := w.RestartICE(b.now)
	if err != nil {
		t.Fatal(err)
	}
	if fresh.UsernameFragment == old.UsernameFragment || fresh.Password == old.Password {
		t.Fatal("credentials did not change")
	}
	if s.fragments[old.UsernameFragment] != w || s.fragments[fresh.UsernameFragment] != w || !w.reachable {
		t.Error("old or new credentials are not served")
	}
	other := from(s, evilAddress)
	s.Handle(b.now, check(t, fresh.UsernameFragment, fresh.Password, true), other)
	if w.selected != other {
		t.Errorf("selected %v", w.selected)
	}
	if s.fragments[old.UsernameFragment] != nil {
		t.Error("old credentials are still served")
	}
}

func TestSelectedTupleIsShownAsAnnounced(t *testing.T) {
	b := newBench(t)
	w := b.webrtc(b.server(), "t")
	b.reach(w, peerAddress)
	got := *w.Dump().(proto.WebRTCTransportDump).ICESelectedTuple
	want := proto.TransportTuple{
		LocalIP: "192.0.2.1", LocalAddress: "192.0.2.1", LocalPort: 4000, RemoteIP: "198.51.100.7", RemotePort: 50000, Protocol: "udp",
	}
	if got != want {
		t.Errorf("tuple %+v", got)
	}
}

func TestPrivateServerClosesWithItsTransport(t *testing.T) {
	b := newBench(t)
	o := &proto.WebRTCTransportOptions{TransportID: "t", ListenInfos: []proto.ListenInfo{
		{Protocol: "udp", IP: "10.0.0.1"}, {Protocol: "tcp", IP: "10.0.0.1"},
	}}
	w, err := NewWebRTC(b.now, b.env, b, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	// enableTcp is off by default without a WebRtcServer, so its socket is not even bound.
	if len(w.candidates) != 1 || len(b.bindings[0].locals) != 1 {
		t.Errorf("candidates %+v", w.candidates)
	}
	w.Close(b.now)
	if !b.bindings[0].closed {
		t.Error("the socket is still open")
	}
}

// The names of mediasoup's dumps and statistics, which programs read.
func TestWebRTCFieldNames(t *testing.T) {
	b := newBench(t)
	w := b.webrtc(b.server(), "t")
	b.reach(w, peerAddress)
	has(t, w.Dump(), "id", "direct", "producerIds", "consumerIds", "mapSsrcConsumerId", "mapRtxSsrcConsumerId", "recvRtpHeaderExtensions",
		"rtpListener", "maxSendMessageSize", "maxReceiveMessageSize", "dataProducerIds", "dataConsumerIds", "traceEventTypes",
		"iceRole", "iceParameters", "iceCandidates", "iceState", "iceSelectedTuple", "dtlsParameters", "dtlsState")
	has(t, w.Stats(b.now).(proto.WebRTCTransportStats), "type", "transportId", "timestamp", "bytesReceived", "recvBitrate", "bytesSent",
		"sendBitrate", "rtpBytesReceived", "rtpRecvBitrate", "rtpBytesSent", "rtpSendBitrate", "rtxBytesReceived", "rtxRecvBitrate",
		"rtxBytesSent", "rtxSendBitrate", "probationBytesSent", "probationSendBitrate", "availableOutgoingBitrate",
		"iceRole", "iceState", "iceSelectedTuple", "dtlsState")
}

// has checks the keys of a value in JSON, which are those on the channel.
func has(t *testing.T, v any, keys ...string) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if _, ok := m[k]; !ok {
			t.Errorf("no %s in %s", k, b)
		}
	}
}

func TestBitrateLimits(t *testing.T) {
	b := newBench(t)
	w := b.webrtc(b.server(), "t")
	available := func() int { return *w.Stats(b.now).(proto.WebRTCTransportStats).AvailableOutgoingBitrate }
	if got := available(); got != 600_000 {
		t.Errorf("%d bit/s before the peer said anything", got)
	}
	if err := w.SetMaxOutgoingBitrate(20_000); err == nil || err.Path != "maxOutgoingBitrate" {
		t.Errorf("below the minimum: %v", err)
	}
	if err := w.SetMaxOutgoingBitrate(-1); err == nil {
		t.Error("a negative bitrate was taken")
	}
	if err := w.SetMaxOutgoingBitrate(100_000); err != nil || available() != 100_000 {
		t.Errorf("%v, %d bit/s", err, available())
	}
	if err := w.SetMinOutgoingBitrate(200_000); err == nil || err.Path != "minOutgoingBitrate" {
		t.Errorf("minimum above the maximum: %v", err)
	}
	if err := w.SetMinOutgoingBitrate(50_000); err != nil {
		t.Error(err)
	}
	if err := w.SetMaxOutgoingBitrate(40_000); err == nil {
		t.Error("maximum below the minimum was taken")
	}
	if err := w.SetMaxOutgoingBitrate(0); err != nil || available() != 600_000 {
		t.Errorf("%v, %d bit/s", err, available())
	}
}
