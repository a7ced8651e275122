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
	switch n.Name {
	case proto.NotifyProducerSend:
		s := r.producers[n.HandlerID]
		if s == nil {
			return false
		}
		d, ok := s.transport.(*transport.Direct)
		if ok {
			d.ReceiveRTP(now, s.producer, n.Payload)
		}
		return ok
	case proto.NotifyTransportSendRTCP:
		d, ok := r.transports[n.HandlerID].(*transport.Direct)
		if ok {
			d.ReceiveRTCP(now, n.Payload)
		}
		return ok
	case proto.NotifyDataProducerSend:
		return r.sendData(now, n)
	}
	return false
}

func (r *Router) sendData(now time.Time, n Notification) bool {
	s := r.dataProducers[n.HandlerID]
	if s == nil {
		return false
	}
	d, ok := s.transport.(*transport.Direct)
	var meta proto.DataProducerSend
	if !ok || n.Decode(&meta) != nil {
		return false
	}
	d.ReceiveMessage(now, s.producer, &data.Message{
		PPID: meta.PPID, Payload: n.Payload, Subchannels: meta.Subchannels, Required: meta.RequiredSubchannel, Ignored: meta.IgnoredSubchannel,
	})
	return true
}
