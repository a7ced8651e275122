package api

import (
	"gazpacho/pkg/control"
	"gazpacho/proto"
)

// carrier is a transport of any type.
type carrier interface {
	Produce(contextOf, control.ProducerOptions) (*control.Producer, error)
	Consume(contextOf, control.ConsumerOptions) (*control.Consumer, error)
	ProduceData(contextOf, control.DataProducerOptions) (*control.DataProducer, error)
	ConsumeData(contextOf, control.DataConsumerOptions) (*control.DataConsumer, error)
	OnEnd(func(control.Reason))
	Close()
}

// create makes a part of a router: it is entered first, so that its first event has somebody to go to.
func create[H any](k *call, o *object, make func(closed func(control.Reason)) (H, error)) (h H, err error) {
	reg := k.server.reg
	o.of, o.transport, o.maker, o.id = k.of, k.object, k.session, control.IDOr(o.id)
	if err := reg.add(o, false); err != nil {
		return h, err
	}
	if h, err = make(func(why control.Reason) { reg.ended(o, why) }); err != nil {
		reg.drop(o)
		return h, err
	}
	reg.made(o, h)
	return h, nil
}

// createTransport answers with the transport's dump.
func createTransport[H carrier](k *call, id, sort string, make func(id string, closed func(control.Reason)) (H, error)) (any, error) {
	o := &object{kind: "transport", sort: sort, id: id}
	_, err := create(k, o, func(closed func(control.Reason)) (H, error) { return make(o.id, closed) })
	if err != nil {
		return nil, err
	}
	return k.worker.Forward(k, proto.TransportDumpMethod, o.id, nil)
}

func (k *call) createWebRTCTransport() (any, error) {
	b, err := decode[proto.WebRTCTransportOptions](k)
	if err != nil {
		return nil, err
	}
	var server *control.WebRTCServer
	switch h := k.server.reg.holding(ofServer, b.WebRTCServerID); {
	case b.WebRTCServerID == "" && len(b.ListenInfos) == 0, b.WebRTCServerID == k.worker.Server.ID():
		server = k.worker.Server // which the rooms' transports share, too
	case b.WebRTCServerID == "":
	case h == nil || h.worker != k.worker:
		return nil, proto.NotFound("webRtcServer", clip(b.WebRTCServerID))
	default:
		server = h.server
	}
	return createTransport(k, b.TransportID, "webrtc", func(id string, closed func(control.Reason)) (*control.WebRTCTransport, error) {
		return k.of.router.CreateWebRTCTransport(k, control.WebRTCTransportOptions{
			ID: id, Server: server, ListenInfos: b.ListenInfos, EnableUDP: b.EnableUDP, EnableTCP: b.EnableTCP, PreferUDP: b.PreferUDP,
			PreferTCP: b.PreferTCP, ICEConsentTimeout: b.ICEConsentTimeout,
			InitialAvailableOutgoingBitrate: b.InitialAvailableOutgoingBitrate, SCTP: b.SCTPOptions, Closed: closed,
		})
	})
}

func (k *call) createPlainTransport() (any, error) {
	b, err := decode[proto.PlainTransportOptions](k)
	if err != nil {
		return nil, err
	}
	return createTransport(k, b.TransportID, "plain", func(id string, closed func(control.Reason)) (*control.PlainTransport, error) {
		return k.of.router.CreatePlainTransport(k, control.PlainTransportOptions{
			ID: id, ListenInfo: b.ListenInfo, RTCPListenInfo: b.RTCPListenInfo, RTCPMux: b.RTCPMux, Comedia: b.Comedia, EnableSRTP: b.EnableSRTP,
			SRTPCryptoSuite: b.SRTPCryptoSuite, SCTPOptions: b.SCTPOptions, Closed: closed,
		})
	})
}

func (k *call) createPipeTransport() (any, error) {
	b, err := decode[proto.PipeTransportOptions](k)
	if err != nil {
		return nil, err
	}
	return createTransport(k, b.TransportID, "pipe", func(id string, closed func(control.Reason)) (*control.PipeTransport, error) {
		return k.of.router.CreatePipeTransport(k, control.PipeTransportOptions{
			ID: id, ListenInfo: b.ListenInfo, EnableRTX: b.EnableRTX, EnableSRTP: b.EnableSRTP, SCTPOptions: b.SCTPOptions, Closed: closed,
		})
	})
}

func (k *call) createDirectTransport() (any, error) {
	b, err := decode[proto.DirectTransportOptions](k)
	if err != nil {
		return nil, err
	}
	return createTransport(k, b.TransportID, "direct", func(id string, closed func(control.Reason)) (*control.DirectTransport, error) {
		return k.of.router.CreateDirectTransport(k, control.DirectTransportOptions{
			ID: id, MaxSendMessageSize: b.MaxSendMessageSize, MaxReceiveMessageSize: b.MaxReceiveMessageSize, Closed: closed,
		})
	})
}

func (k *call) createAudioLevelObserver() (any, error) {
	b, err := decode[proto.CreateAudioLevelObserver](k)
	if err != nil {
		return nil, err
	}
	o := &object{kind: "rtpObserver", sort: "audioLevel", id: b.RTPObserverID}
	_, err = create(k, o, func(closed func(control.Reason)) (*control.AudioLevelObserver, error) {
		return k.of.router.CreateAudioLevelObserver(k, control.AudioLevelObserverOptions{
			ID: o.id, MaxEntries: b.MaxEntries, Threshold: b.Threshold, Interval: b.Interval, Closed: closed,
		})
	})
	return proto.RTPObserverCreated{RTPObserverID: o.id}, err
}

func (k *call) createActiveSpeakerObserver() (any, error) {
	b, err := decode[proto.CreateActiveSpeakerObserver](k)
	if err != nil {
		return nil, err
	}
	o := &object{kind: "rtpObserver", sort: "activeSpeaker", id: b.RTPObserverID}
	_, err = create(k, o, func(closed func(control.Reason)) (*control.ActiveSpeakerObserver, error) {
		return k.of.router.CreateActiveSpeakerObserver(k, control.ActiveSpeakerObserverOptions{ID: o.id, Interval: b.Interval, Closed: closed})
	})
	return proto.RTPObserverCreated{RTPObserverID: o.id}, err
}
