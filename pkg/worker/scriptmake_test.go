package worker_test

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gazpacho/proto"
)

// loopback is where everything listens.
var loopback = proto.ListenInfo{Protocol: "udp", IP: "127.0.0.1"}

// make makes an object.
func (p *lifePlay) make(what string, args []string) {
	id, in := args[0], ""
	if len(args) > 1 {
		in = args[1]
	}
	switch what {
	case "server":
		p.create(id, made{close: proto.WorkerCloseWebRTCServer, key: "webRtcServerId"}, proto.WorkerCreateWebRTCServer,
			proto.CreateWebRTCServer{WebRTCServerID: id, ListenInfos: []proto.ListenInfo{loopback}})
	case "router":
		p.create(id, made{close: proto.WorkerCloseRouter, key: "routerId"}, proto.WorkerCreateRouter, proto.CreateRouter{RouterID: id})
	case "web", "plain", "pipe", "direct":
		p.transport(what, id, in, args[2:])
	case "audio", "simulcast", "layered":
		p.ssrc += 10
		m := made{parent: in, close: proto.TransportCloseProducer, key: "producerId", ssrc: p.ssrc}
		m.kind = map[string]string{"audio": proto.Audio, "simulcast": proto.Video, "layered": layered}[what]
		p.create(id, m, proto.TransportProduce, lifeProduce(id, m.kind, m.ssrc))
	case "consume":
		p.ssrc += 10
		from := p.made[args[2]]
		m := made{parent: in, close: proto.TransportCloseConsumer, key: "consumerId", kind: from.kind, ssrc: p.ssrc}
		p.create(id, m, proto.TransportConsume, lifeConsume(id, args[2], from.kind, p.made[in].pipe, from.ssrc, m.ssrc))
	case "data", "read":
		p.data(what, id, in, args[2:])
	case "join":
		p.join(args[0], args[1])
		p.join(args[1], args[0])
	case "mirror":
		p.mirror(args[0], args[1])
	case "levels":
		p.create(id, made{parent: in, close: proto.RouterCloseRTPObserver, key: "rtpObserverId"}, proto.RouterCreateAudioLevelObserver,
			proto.CreateAudioLevelObserver{RTPObserverID: id})
	case "speaker":
		p.create(id, made{parent: in, close: proto.RouterCloseRTPObserver, key: "rtpObserverId"}, proto.RouterCreateActiveSpeakerObserver,
			proto.CreateActiveSpeakerObserver{RTPObserverID: id})
	default:
		p.t.Fatalf("no command %q", what)
	}
}

// create makes an object, of which the answer is not shown, and remembers how it is closed.
func (p *lifePlay) create(id string, m made, method string, body any) {
	if p.request(method, m.parent, body, nil) {
		p.made[id] = m
	}
}

func (p *lifePlay) transport(what, id, router string, options []string) {
	m := made{parent: router, close: proto.RouterCloseTransport, key: "transportId", pipe: what == "pipe"}
	has := func(option string) bool { return slices.Contains(options, option) }
	sctp := proto.SCTPOptions{EnableSCTP: what != "plain" || has("sctp")}
	switch {
	case what == "web" && len(options) > 0:
		p.create(id, m, proto.RouterCreateWebRTCTransportWithServer, proto.WebRTCTransportOptions{TransportID: id, WebRTCServerID: options[0], SCTPOptions: sctp})
	case what == "web":
		p.create(id, m, proto.RouterCreateWebRTCTransport, proto.WebRTCTransportOptions{TransportID: id, ListenInfos: []proto.ListenInfo{loopback}, SCTPOptions: sctp})
	case what == "plain":
		mux := !has("two-ports")
		p.create(id, m, proto.RouterCreatePlainTransport, proto.PlainTransportOptions{
			TransportID: id, ListenInfo: loopback, RTCPMux: &mux, Comedia: has("comedia"), EnableSRTP: has("srtp"), SCTPOptions: sctp,
		})
	case what == "pipe":
		p.create(id, m, proto.RouterCreatePipeTransport, proto.PipeTransportOptions{
			TransportID: id, ListenInfo: loopback, EnableRTX: has("rtx"), EnableSRTP: has("srtp"), SCTPOptions: sctp,
		})
	default:
		p.create(id, m, proto.RouterCreateDirectTransport, proto.DirectTransportOptions{TransportID: id})
	}
}

// data makes a data producer, or a data consumer of one. "direct" among the options is its type; without, each has a stream of its own.
func (p *lifePlay) data(what, id, transport string, options []string) {
	p.ssrc += 10
	typ, stream := proto.DataSCTP, &proto.SCTPStreamParameters{StreamID: uint16(p.ssrc)}
	if slices.Contains(options, "direct") {
		typ, stream = proto.DataDirect, nil
	}
	if what == "data" {
		p.create(id, made{parent: transport, close: proto.TransportCloseDataProducer, key: "dataProducerId"}, proto.TransportProduceData,
			proto.ProduceData{DataProducerID: id, Type: typ, SCTPStreamParameters: stream, Label: "label of " + id})
		return
	}
	p.create(id, made{parent: transport, close: proto.TransportCloseDataConsumer, key: "dataConsumerId", ssrc: p.ssrc}, proto.TransportConsumeData,
		proto.ConsumeData{DataConsumerID: id, DataProducerID: options[0], Type: typ, SCTPStreamParameters: stream, Label: "label of " + options[0]})
}

// join tells a pipe where the other one is.
func (p *lifePlay) join(one, other string) {
	var d proto.PipeTransportDump
	p.request(proto.TransportDumpMethod, other, nil, &d)
	p.request(proto.PipeTransportConnect, one, proto.ConnectPipeTransport{IP: "127.0.0.1", Port: d.Tuple.LocalPort}, nil)
}

// mirror makes a producer at the other end of a pipe of what comes out of a consumer.
func (p *lifePlay) mirror(consumer, transport string) {
	c, id := p.made[consumer], consumer+"-mirrored"
	if c.kind == "" {
		p.create(id, made{parent: transport, close: proto.TransportCloseDataProducer, key: "dataProducerId"}, proto.TransportProduceData,
			proto.ProduceData{DataProducerID: id, Type: proto.DataSCTP, SCTPStreamParameters: &proto.SCTPStreamParameters{StreamID: uint16(c.ssrc)}})
		return
	}
	m := made{parent: transport, close: proto.TransportCloseProducer, key: "producerId", kind: c.kind, ssrc: c.ssrc}
	p.create(id, m, proto.TransportProduce, lifeProduce(id, c.kind, c.ssrc))
}

// send sends a message or packet of the controller's own, and waits until the worker has taken it.
func (p *lifePlay) send(notification, id, text string) {
	payload, meta := []byte(text), any(nil)
	switch {
	case notification == proto.NotifyDataProducerSend:
		meta = proto.DataProducerSend{PPID: 51}
	case strings.HasPrefix(text, "rtp "):
		// A frame that begins, of the stream and with the number that follow; a key frame of VP8 if it is of video.
		var stream, sequence uint32
		if _, err := fmt.Sscanf(text, "rtp %d %d", &stream, &sequence); err != nil {
			p.t.Fatalf("%q: %v", text, err)
		}
		m := p.made[id]
		payload = []byte{0x80, 0x80 | 100, 0, byte(sequence), 0, 0, byte(sequence >> 8 * 10), byte(sequence), 0, 0, 0, 0, 0xf8, 1, 2, 3}
		if m.kind != proto.Audio {
			payload[1]++
			copy(payload[12:], []byte{0x10, 0x00, 0x9d, 0x01})
			payload = append(payload, 0x2a, 1, 0, 1, 0)
		}
		binary.BigEndian.PutUint32(payload[8:], m.ssrc+stream)
	}
	if err := p.client.NotifyBinary(notification, id, meta, payload); err != nil {
		p.t.Fatal(err)
	}
	p.request(proto.WorkerDumpMethod, "", nil, nil)
}

// All objects of the API have a script, and those say what there is to close.
var directions = map[string][]string{
	"worker": {"worker.close"}, "server": {"close s"}, "router": {"close r"},
	"web": {"close w", "close s", "close r"}, "plain": {"close t", "close r"}, "pipe": {"close t", "close r"}, "direct": {"close t", "close r"},
	"producer": {"close p", "close t", "close r"}, "simple": {"close c", "close p", "close out", "close in", "close r"},
	"simulcast": {"close c", "close p", "close out", "close in", "close r"}, "svc": {"close c", "close p", "close out", "close in", "close r"},
	"piped": {"close c", "close p", "close out", "close in", "close r"}, "dataproducer": {"close d", "close t", "close r"},
	"dataconsumer": {"close e", "close d", "close out", "close in", "close r"}, "levels": {"close o", "close p", "close t", "close r"},
	"speaker": {"close o", "close p", "close t", "close r"}, "pipepair": {"close a", "close b", "close r1", "close r2"},
}

func scriptNames() []string { return slices.Sorted(maps.Keys(directions)) }
