package router

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/socket"
	"gazpacho/pkg/timer"
	"gazpacho/pkg/transport"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// world is a router and the worker around it, in memory.
type world struct {
	t       testing.TB
	now     time.Time
	router  *Router
	owners  map[string]*Router
	servers map[string]*transport.Server
	timers  timer.Queue
	egress  socket.Memory
	events  []string // "target name"
	bound   int      // sockets that are open
	refuse  *proto.Error
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, now: time.Unix(1_700_000_000, 0), owners: map[string]*Router{}, servers: map[string]*transport.Server{}}
	env := &transport.Env{
		Totals: new(transport.Totals),
		Egress: &w.egress, Events: w, Timers: &w.timers, Binder: w, Random: rand.NewChaCha8([32]byte{1}),
		NewDTLS: func(*transport.WebRTC) transport.DTLS { return island{} },

		NewPacketSCTP: func(*transport.Plain, proto.SCTPOptions) transport.PacketSCTP { return &packetPipe{} },
		Fingerprints:  []proto.DTLSFingerprint{{Algorithm: "sha-256", Value: "AA:BB"}},
	}
	w.router = New("r", env, w)
	w.owners["r"] = w.router
	s, err := transport.NewServer("server", []proto.ListenInfo{{Protocol: "udp", IP: "10.0.0.1"}}, env)
	if err != nil {
		t.Fatal(err)
	}
	w.servers["server"] = s
	return w
}

func (w *world) Claim(id string, r *Router) bool {
	if w.owners[id] != nil || w.servers[id] != nil {
		return false
	}
	w.owners[id] = r
	return true
}

func (w *world) Release(id string) { delete(w.owners, id) }

func (w *world) Server(id string) *transport.Server { return w.servers[id] }

func (w *world) Emit(target string, e proto.Event) { w.events = append(w.events, target+" "+e.Name) }

// take returns the events since the last call, scores and reports left out.
func (w *world) take() []string {
	list := slices.DeleteFunc(w.events, func(e string) bool {
		_, name, _ := cut(e)
		return name == proto.EventProducerScore || name == proto.EventConsumerScore || name == proto.EventDirectTransportRTCP
	})
	w.events = nil
	return list
}

func cut(e string) (target, name string, ok bool) {
	n, err := fmt.Sscan(e, &target, &name)
	return target, name, err == nil && n == 2
}

func (w *world) Bind(infos []proto.ListenInfo, _ transport.Ingress) (transport.Binding, *proto.Error) {
	if err := w.refuse; err != nil {
		w.refuse = nil
		return nil, err
	}
	b := &binding{world: w}
	for _, info := range infos {
		w.bound++
		b.locals = append(b.locals, transport.Local{
			Info: info, Protocol: tuple.UDP, Link: 7, Address: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), uint16(4000+w.bound)),
		})
	}
	return b, nil
}

type binding struct {
	world  *world
	locals []transport.Local
}

func (b *binding) Locals() []transport.Local { return b.locals }
func (b *binding) Authenticated(tuple.Link)  {}
func (b *binding) CloseLink(tuple.Link)      {}
func (b *binding) Close()                    { b.world.bound -= len(b.locals); b.locals = nil }

type island struct{}

func (island) Start(time.Time, string, []proto.DTLSFingerprint) *proto.Error { return nil }
func (island) Ready(time.Time)                                               {}
func (island) Handle(time.Time, []byte)                                      {}
func (island) Close(time.Time)                                               {}

// ask sends a request the way the channel does: its body goes through msgpack.
func (w *world) ask(method, id string, body any) (any, *proto.Error) {
	w.t.Helper()
	raw, err := channel.Encode(body)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.router.HandleRequest(w.now, Request{
		Method: method, HandlerID: id, Decode: func(into any) *proto.Error { return channel.Decode(raw, into) },
	})
}

// do is ask for requests that must succeed.
func (w *world) do(method, id string, body any) any {
	w.t.Helper()
	result, err := w.ask(method, id, body)
	if err != nil {
		w.t.Fatalf("%s of %s: %v", method, id, err)
	}
	return result
}

// state is everything that dumps show, to see that nothing changed.
func (w *world) state() string {
	w.t.Helper()
	all := []any{w.do(proto.RouterDumpMethod, "r", nil), slices.Sorted(maps.Keys(w.owners)), w.timers.Len(), w.bound}
	for _, id := range sortedKeys(w.router.transports) {
		all = append(all, w.do(proto.TransportDumpMethod, id, nil))
	}
	for _, id := range sortedKeys(w.router.producers) {
		all = append(all, w.do(proto.ProducerDumpMethod, id, nil))
	}
	for _, id := range sortedKeys(w.router.consumers) {
		all = append(all, w.do(proto.ConsumerDumpMethod, id, nil))
	}
	b, err := json.Marshal(all)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

func (w *world) webrtc(id string) {
	w.t.Helper()
	w.do(proto.RouterCreateWebRTCTransportWithServer, "r", proto.WebRTCTransportOptions{TransportID: id, WebRTCServerID: "server"})
}

func (w *world) plain(id string) {
	w.t.Helper()
	w.do(proto.RouterCreatePlainTransport, "r", plainOptions(id))
}

func plainOptions(id string) proto.PlainTransportOptions {
	return proto.PlainTransportOptions{TransportID: id, ListenInfo: proto.ListenInfo{Protocol: "udp", IP: "10.0.0.1"}, Comedia: true}
}

func codecs(kind string) []proto.RTPCodecParameters {
	if kind == proto.Audio {
		return []proto.RTPCodecParameters{{MimeType: "audio/opus", PayloadType: 100, ClockRate: 48000, Channels: 2}}
	}
	return []proto.RTPCodecParameters{{MimeType: "video/VP8", PayloadType: 100, ClockRate: 90000, RTCPFeedback: []proto.RTCPFeedback{{Type: "nack", Parameter: "pli"}}}}
}

// audioLevelID is the id of the audio level extension.
const audioLevelID = 10

func produce(id, kind string, ssrc uint32) proto.Produce {
	return proto.Produce{
		ProducerID: id, Kind: kind,
		RTPParameters: proto.RTPParameters{
			Codecs: codecs(kind), Encodings: []proto.RTPEncodingParameters{{SSRC: ssrc}},
			HeaderExtensions: []proto.RTPHeaderExtensionParameters{{URI: "urn:ietf:params:rtp-hdrext:ssrc-audio-level", ID: audioLevelID}},
		},
		RTPMapping: proto.RTPMapping{
			Codecs:    []proto.CodecMapping{{PayloadType: 100, MappedPayloadType: 100}},
			Encodings: []proto.EncodingMapping{{SSRC: ssrc, MappedSSRC: ssrc + 1000}},
		},
	}
}

func consume(id, producerID, kind string, ssrc, mapped uint32) proto.Consume {
	return proto.Consume{
		ConsumerID: id, ProducerID: producerID, Kind: kind, Type: proto.Simple,
		RTPParameters:          proto.RTPParameters{Codecs: codecs(kind), Encodings: []proto.RTPEncodingParameters{{SSRC: ssrc}}},
		ConsumableRTPEncodings: []proto.RTPEncodingParameters{{SSRC: mapped}},
	}
}

// populate makes one of everything: transports w and p, producers a (audio) and v (video) on w, consumers ca and cv of them on p, and an
// observer o that listens to a.
func (w *world) populate() {
	w.t.Helper()
	w.webrtc("w")
	w.plain("p")
	w.do(proto.TransportProduce, "w", produce("a", proto.Audio, 1))
	w.do(proto.TransportProduce, "w", produce("v", proto.Video, 2))
	w.do(proto.TransportConsume, "p", consume("ca", "a", proto.Audio, 11, 1001))
	w.do(proto.TransportConsume, "p", consume("cv", "v", proto.Video, 12, 1002))
	w.do(proto.RouterCreateAudioLevelObserver, "r", proto.CreateAudioLevelObserver{RTPObserverID: "o"})
	w.do(proto.RTPObserverAddProducer, "o", proto.ObserverProducer{ProducerID: "a"})
	w.take()
}

// empty checks that nothing is left of what was in the router.
func (w *world) empty() {
	w.t.Helper()
	r := w.router
	if len(r.transports)+len(r.producers)+len(r.consumers)+len(r.observers) != 0 {
		w.t.Errorf("left in the router: %v %v %v %v", r.transports, r.producers, r.consumers, r.observers)
	}
	if len(w.owners) != 1 {
		w.t.Errorf("ids left: %v", slices.Sorted(maps.Keys(w.owners)))
	}
	if n := w.timers.Len(); n != 0 {
		w.t.Errorf("%d timers left", n)
	}
	w.servers["server"].Close(w.now)
	if w.bound != 0 {
		w.t.Errorf("%d sockets left", w.bound)
	}
	d := w.servers["server"].Dump()
	if len(d.WebRTCTransportIDs)+len(d.LocalICEUsernameFragments) != 0 {
		w.t.Errorf("left at the server: %+v", d)
	}
}
