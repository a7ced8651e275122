package control

import (
	"context"
	"errors"
	"testing"

	"gazpacho/proto"
)

// dropped closes what was made after all: now and then an answer is faster than hanging up.
func dropped[V interface{ Close() }](made V, err error) error {
	if err == nil {
		made.Close()
	}
	return err
}

// SECURITY.md R-WS-2: whoever hangs up before the answer leaves nothing behind in the worker.
func TestAbandonedRequests(t *testing.T) {
	n := newTree(t)
	sctp := WebRTCTransportOptions{SCTP: proto.SCTPOptions{EnableSCTP: true}}
	out, in := newTransportIn(t, n.router, sctp), newTransportIn(t, n.router, sctp)
	data, err := out.ProduceData(t.Context(), DataProducerOptions{SCTPStreamParameters: stream(1)})
	if err != nil {
		t.Fatal(err)
	}
	known, err := n.router.Dump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	load := n.worker.Load()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	abandoned := 0
	for range 20 {
		for what, err := range map[string]error{
			"WebRTC transport": dropped(n.router.CreateWebRTCTransport(gone, WebRTCTransportOptions{ListenInfos: listen})),
			"plain transport":  dropped(n.router.CreatePlainTransport(gone, PlainTransportOptions{ListenInfo: listen[0]})),
			"observer":         dropped(n.router.CreateAudioLevelObserver(gone, AudioLevelObserverOptions{})),
			"producer":         dropped(n.send.Produce(gone, ProducerOptions{Kind: "audio", RTPParameters: opus(7, "")})),
			"consumer": dropped(n.recv.Consume(gone, ConsumerOptions{
				ProducerID: n.producer.ID(), RTPCapabilities: n.router.RTPCapabilities(),
			})),
			"data producer": dropped(out.ProduceData(gone, DataProducerOptions{SCTPStreamParameters: stream(2)})),
			"data consumer": dropped(in.ConsumeData(gone, DataConsumerOptions{DataProducerID: data.ID()})),
			"router":        dropped(n.worker.CreateRouter(gone, RouterOptions{MediaCodecs: codecs})),
		} {
			switch {
			case errors.Is(err, context.Canceled):
				abandoned++
			case err != nil:
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	if abandoned == 0 {
		t.Fatal("nobody hung up")
	}
	now, err := n.router.Dump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(now.TransportIDs) != len(known.TransportIDs) || len(now.RTPObserverIDs) != len(known.RTPObserverIDs) ||
		len(now.MapProducerIDConsumerIDs) != len(known.MapProducerIDConsumerIDs) || len(now.MapConsumerIDProducerID) != len(known.MapConsumerIDProducerID) ||
		len(now.MapDataProducerIDDataConsumerIDs) != len(known.MapDataProducerIDDataConsumerIDs) ||
		len(now.MapDataConsumerIDDataProducerID) != len(known.MapDataConsumerIDDataProducerID) {
		t.Errorf("the router has %+v, had %+v", now, known)
	}
	worker, err := n.worker.Dump(t.Context())
	if err != nil || len(worker.RouterIDs) != 1 || n.worker.Load() != load {
		t.Errorf("%+v, %v; load %d", worker, err, n.worker.Load())
	}
}
