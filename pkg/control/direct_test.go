package control

import (
	"encoding/binary"
	"errors"
	"testing"

	"gazpacho/proto"
)

// A direct transport's RTCP goes both ways: what a consumer asks for arrives at whoever sends.
func TestDirectRTCP(t *testing.T) {
	w := newWorker(t)
	r, source := stage(t, w)
	asked := make(chan []byte, 100)
	other, err := r.CreateDirectTransport(t.Context(), DirectTransportOptions{RTCP: func(p []byte) { asked <- append([]byte{}, p...) }})
	if err != nil {
		t.Fatal(err)
	}
	p, err := other.Produce(t.Context(), ProducerOptions{Kind: proto.Video, RTPParameters: vp8Streams()})
	if err != nil {
		t.Fatal(err)
	}
	box := &inbox{packets: map[uint32]int{}}
	c, err := source.Consume(t.Context(), ConsumerOptions{ProducerID: p.ID(), RTPCapabilities: r.RTPCapabilities(), RTP: box.rtp})
	if err != nil {
		t.Fatal(err)
	}
	ssrc := c.RTPParameters().Encodings[0].SSRC
	sequence := uint16(0)
	play(t, p, &sequence, func() bool { return box.received()[ssrc] > 5 })
	pli := binary.BigEndian.AppendUint32([]byte{0x81, 206, 0, 2, 0, 0, 0, 1}, ssrc)
	soon(t, "a PLI", func() bool {
		if err := source.SendRTCP(pli); err != nil {
			t.Fatal(err)
		}
		for {
			select {
			case packet := <-asked:
				if packet[1] == 206 && packet[0]&0x1f == 1 {
					return true
				}
			default:
				return false
			}
		}
	})
	stats, err := source.Stats(t.Context())
	if err != nil || stats.RTCPPacketsReceived == 0 || stats.RTPBytesSent == 0 {
		t.Errorf("statistics %+v, %v", stats, err)
	}
	if d, err := other.Dump(t.Context()); err != nil || !d.Direct || len(d.ProducerIDs) != 1 {
		t.Errorf("dump %+v, %v", d, err)
	}
}

// Only what is on a direct transport can be sent for; bitrates have no meaning there.
func TestDirectRefusals(t *testing.T) {
	w := newWorker(t)
	r, d := stage(t, w)
	plain, err := r.CreatePlainTransport(t.Context(), PlainTransportOptions{
		ListenInfo: proto.ListenInfo{Protocol: "udp", IP: "127.0.0.1"}, SCTPOptions: proto.SCTPOptions{EnableSCTP: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if plain.SCTPParameters() == nil || plain.SCTPState() != proto.SCTPNew {
		t.Errorf("SCTP %+v %q", plain.SCTPParameters(), plain.SCTPState())
	}
	p, err := plain.Produce(t.Context(), ProducerOptions{Kind: proto.Video, RTPParameters: vp8Streams()})
	if err != nil {
		t.Fatal(err)
	}
	dp, err := plain.ProduceData(t.Context(), DataProducerOptions{SCTPStreamParameters: stream(1)})
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"packet": p.Send(nil), "message": dp.Send(DataMessage{}), "bitrate": d.SetMaxIncomingBitrate(t.Context(), 100_000),
	} {
		if e := new(proto.Error); !errors.As(err, &e) || e.Name != proto.UnsupportedErrorName {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Whoever closes a transport with SCTP tells the peer, which needs not wait until it is missed.
func TestPipeSaysGoodbye(t *testing.T) {
	near, far := newWorker(t), newWorker(t)
	one, source := stage(t, near)
	two, _ := stage(t, far)
	states := make(chan string, 10)
	o := PipeTransportOptions{ListenInfo: proto.ListenInfo{Protocol: "udp", IP: "127.0.0.1"}}
	o.EnableSCTP = true
	a, err := one.CreatePipeTransport(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	o.SCTPState = func(s string) { states <- s }
	b, err := two.CreatePipeTransport(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, ends := range [][2]*PipeTransport{{a, b}, {b, a}} {
		tuple := ends[1].Tuple()
		if err := ends[0].Connect(t.Context(), proto.ConnectPipeTransport{IP: tuple.LocalAddress, Port: tuple.LocalPort}); err != nil {
			t.Fatal(err)
		}
	}
	p, err := source.ProduceData(t.Context(), DataProducerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.ConsumeData(t.Context(), DataConsumerOptions{DataProducerID: p.ID()}); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	until := func(state string) {
		t.Helper()
		soon(t, state, func() bool {
			select {
			case s := <-states:
				seen[s] = true
			default:
			}
			return seen[state]
		})
	}
	until(proto.SCTPConnected)
	soon(t, "connected here", func() bool { return a.SCTPState() == proto.SCTPConnected })
	stats, err := b.Stats(t.Context())
	if err != nil || stats.SCTPReceived == 0 || stats.Type != "pipe-transport" {
		t.Errorf("statistics %+v, %v", stats, err)
	}
	a.Close()
	until(proto.SCTPClosed)
	if d, err := b.Dump(t.Context()); err != nil || d.SCTPState != proto.SCTPClosed {
		t.Errorf("dump %+v, %v", d, err)
	}
}
