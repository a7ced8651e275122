package worker_test

import (
	"fmt"
	"testing"

	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// dataPair is a room with a peer that sends data and one that receives it.
func dataPair(t *testing.T, o simtest.PeerOptions) (w *simtest.Worker, from, to *simtest.Peer) {
	t.Helper()
	w = simtest.StartWorker(t)
	server, router := w.Server(), w.Router()
	o.Data = true
	return w, simtest.Connect(w, router, server, true, o), simtest.Connect(w, router, server, false, o)
}

func TestDataChannels(t *testing.T) {
	few, short := uint16(3), uint16(500)
	for _, tt := range []struct {
		name string
		s    simtest.Stream
		o    simtest.PeerOptions
	}{
		{"ordered", simtest.Stream{}, simtest.PeerOptions{}},
		{"the worker is DTLS client", simtest.Stream{}, simtest.PeerOptions{DTLSServer: true}},
		{"over TCP", simtest.Stream{}, simtest.PeerOptions{TCP: true}},
		{"unordered", simtest.Stream{Unordered: true}, simtest.PeerOptions{}},
		{"few retransmissions", simtest.Stream{Unordered: true, MaxRetransmits: &few}, simtest.PeerOptions{}},
		{"short life", simtest.Stream{Unordered: true, MaxPacketLifeTime: &short}, simtest.PeerOptions{}},
		{"declared in the channel", simtest.Stream{Negotiate: true}, simtest.PeerOptions{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, from, to := dataPair(t, tt.o)
			sender := from.ProduceData("chat", tt.s)
			receiver := to.ConsumeData(sender, simtest.Stream{Unordered: tt.s.Unordered, MaxRetransmits: tt.s.MaxRetransmits, MaxPacketLifeTime: tt.s.MaxPacketLifeTime})
			sender.WaitOpen()
			receiver.WaitOpen()
			from.WaitSCTP()
			to.WaitSCTP()
			if err := sender.Pion.SendText("¡hola!"); err != nil {
				t.Fatal(err)
			}
			if m := receiver.Take(1)[0]; !m.IsString || string(m.Data) != "¡hola!" {
				t.Errorf("got %+v", m)
			}
			for _, empty := range []bool{true, false} {
				if err := sender.Pion.SendText(""); empty && err != nil {
					t.Fatal(err)
				} else if !empty {
					_ = sender.Pion.Send([]byte{0, 1, 2})
				}
			}
			got := receiver.Take(3)
			kinds := map[string]int{}
			for _, m := range got {
				kinds[fmt.Sprint(m.IsString, len(m.Data))]++
			}
			if kinds["true 0"] != 2 || kinds["false 3"] != 1 {
				t.Errorf("got %v", kinds)
			}
		})
	}
}

// The state a transport with SCTP shows before and after somebody uses it.
func TestSCTPStates(t *testing.T) {
	w, from, _ := dataPair(t, simtest.PeerOptions{})
	dump := func() proto.WebRTCTransportDump {
		return simtest.Request[proto.WebRTCTransportDump](w, proto.TransportDumpMethod, from.Transport.ID, nil)
	}
	d := dump()
	if d.SCTPState != proto.SCTPNew || d.SCTPParameters == nil || d.SCTPParameters.Port != 5000 || d.SCTPParameters.MaxMessageSize != 262_144 || !d.SCTPParameters.IsDataChannel {
		t.Errorf("state %q, parameters %+v", d.SCTPState, d.SCTPParameters)
	}
	c := from.ProduceData("chat", simtest.Stream{})
	c.WaitOpen()
	from.WaitSCTP()
	d = dump()
	if d.SCTPState != proto.SCTPConnected || d.SCTPNegotiatedCapabilities == nil || d.SCTPNegotiatedCapabilities.NegotiatedMaxOutboundStreams == 0 {
		t.Errorf("state %q, capabilities %+v", d.SCTPState, d.SCTPNegotiatedCapabilities)
	}
	if len(d.DataProducerIDs) != 1 || len(d.SCTPListener.StreamIDTable) != 1 || d.SCTPListener.StreamIDTable[0].Value != c.ID {
		t.Errorf("dump %+v", d.SCTPListener)
	}
	from.Close()
	simtest.Wait(w, proto.EventSCTPStateChange, from.Transport.ID, func(s proto.SCTPStateChange) bool { return s.SCTPState == proto.SCTPClosed })
}
