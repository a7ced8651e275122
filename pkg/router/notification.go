package router

import (
	"time"

	"gazpacho/pkg/data"
	"gazpacho/pkg/transport"
	"gazpacho/proto"
)

// Notification is one packet or message of the controller's, for a direct transport. Payload is borrowed.
type Notification struct {
	Name      string
	HandlerID string
	Decode    func(meta any) *proto.Error
	Payload   []byte
}

// HandleNotification gives what came to the object it names, or returns false if there is none that takes it.
func (r *Router) HandleNotification(now time.Time, n Notification) bool {
	d := r.addressed(n)
	if d == nil || !d.InService() {
		return false
	}
	switch n.Name {
	case proto.NotifyProducerSend:
		d.ReceiveRTP(now, r.producers[n.HandlerID].producer, n.Payload)
	case proto.NotifyTransportSendRTCP:
		d.ReceiveRTCP(now, n.Payload)
	case proto.NotifyDataProducerSend:
		var meta proto.DataProducerSend
		if n.Decode(&meta) != nil {
			return false
		}
		d.ReceiveMessage(now, r.dataProducers[n.HandlerID].producer, &data.Message{
			PPID: meta.PPID, Payload: n.Payload, Subchannels: meta.Subchannels, Required: meta.RequiredSubchannel, Ignored: meta.IgnoredSubchannel,
		})
	}
	return true
}

// Fault tells that the last call of HandleNotification panicked: the transport it was for is not to be trusted any more.
func (r *Router) Fault(now time.Time, n Notification) {
	if d := r.addressed(n); d != nil {
		d.Fault(now)
	}
}

// addressed finds the direct transport of the object that a notification names, nil if there is none.
func (r *Router) addressed(n Notification) *transport.Direct {
	var t transport.Transport
	switch n.Name {
	case proto.NotifyProducerSend:
		if s := r.producers[n.HandlerID]; s != nil {
			t = s.transport
		}
	case proto.NotifyTransportSendRTCP:
		t = r.transports[n.HandlerID]
	case proto.NotifyDataProducerSend:
		if s := r.dataProducers[n.HandlerID]; s != nil {
			t = s.transport
		}
	}
	d, _ := t.(*transport.Direct)
	return d
}
