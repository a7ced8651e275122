package transport

import (
	"encoding/binary"
	"time"

	"gazpacho/pkg/ice"
	"gazpacho/pkg/producer"
	"gazpacho/pkg/rtp"
	"gazpacho/proto"
)

// Direct is a transport whose peer is the controller: packets and messages come and go as binary notifications. It has no network, and no keys.
type Direct struct {
	media

	// passed in
	maxSend, maxReceive int // bytes of a message

	// owned
	slot [slotSize]byte // where packets are made
	data directData

	// state
	handling bool // a packet
	faulty   bool // out of service
}

// maxDirectMessage is what the channel carries at most, with some room for what is around a message in its frame, in bytes.
const maxDirectMessage = 8<<20 - 4096

// NewDirect makes a direct transport, which is open at once.
func NewDirect(now time.Time, env *Env, owner Owner, o *proto.DirectTransportOptions) (*Direct, *proto.Error) {
	d := &Direct{maxSend: o.MaxSendMessageSize, maxReceive: o.MaxReceiveMessageSize}
	for _, f := range []struct {
		name  string
		value *int
	}{{"maxSendMessageSize", &d.maxSend}, {"maxReceiveMessageSize", &d.maxReceive}} {
		switch {
		case *f.value == 0:
			*f.value = defaultMessageSize
		case *f.value < 0 || *f.value > maxTransportBuffer:
			return nil, proto.BadField(f.name, "%d is not 1 to %d", *f.value, maxTransportBuffer)
		}
		*f.value = min(*f.value, maxDirectMessage)
	}
	d.init(kindDirect, o.TransportID, env, owner, d, d)
	d.slots = d
	d.become(conditionOpen)
	d.opened(now)
	return d, nil
}

// ReceiveRTP takes a packet the controller sends on behalf of a producer of the transport. The packet is borrowed.
func (d *Direct) ReceiveRTP(now time.Time, p *producer.Producer, packet []byte) {
	d.meters.received(now, len(packet))
	if len(packet) > rtp.MaxPacketSize || !d.packet.Parse(packet) {
		d.drop(DropMalformed)
		return
	}
	d.handling = true
	d.handled(now, len(packet), p.HandleRTP(now, &d.packet))
	d.handling = false
}

// ReceiveRTCP takes what the controller says of what it sends and receives.
func (d *Direct) ReceiveRTCP(now time.Time, packet []byte) {
	d.meters.received(now, len(packet))
	if len(packet) > rtp.MaxPacketSize {
		d.drop(DropRTCPMalformed)
		return
	}
	d.handling = true
	d.receiveRTCP(now, packet)
	d.handling = false
}

// InService tells whether the transport takes anything: not after a fault.
func (d *Direct) InService() bool { return !d.faulty }

// Fault takes the transport out of service after a panic of ours.
func (d *Direct) Fault(now time.Time) {
	if d.handling {
		d.drop(DropPanic)
	}
	d.handling, d.faulty = false, true
	d.shut(now)
}

// Next lends the slot that packets are made in.
func (d *Direct) Next() []byte { return d.slot[:] }

// The path to a peer that is the controller.

func (d *Direct) open() bool { return !d.closed && !d.faulty }

func (d *Direct) protectRTP(slot []byte, header int, payload []byte) (int, bool) {
	return header + copy(slot[header:], payload), true
}

func (d *Direct) protectAgain(slot []byte, header int, payload []byte) (int, bool) {
	return d.protectRTP(slot, header, payload)
}

func (d *Direct) protectRTCP(_ []byte, n int) (int, bool) { return n, true }

func (d *Direct) allowAgain(uint32) {}

func (d *Direct) forget(uint32) {}

// commit sends the packet in the slot up: RTP in the name of its consumer.
func (d *Direct) commit(now time.Time, n int, carries protocol) {
	event, target := proto.EventDirectTransportRTCP, d.id
	if carries != protocolRTCP {
		event, target = proto.EventConsumerRTP, d.consumerOf(binary.BigEndian.Uint32(d.slot[8:])).ID()
	}
	d.meters.sent(now, n, carries)
	d.env.Events.Emit(target, proto.Event{Name: event, Payload: d.slot[:n]})
}

// There is nothing to limit: nobody estimates what the channel can take.

// SetMaxIncomingBitrate is not for direct transports.
func (d *Direct) SetMaxIncomingBitrate(int) *proto.Error {
	return errNoBitrate("setMaxIncomingBitrate")
}

// SetMaxOutgoingBitrate is not for direct transports.
func (d *Direct) SetMaxOutgoingBitrate(int) *proto.Error {
	return errNoBitrate("setMaxOutgoingBitrate")
}

// SetMinOutgoingBitrate is not for direct transports.
func (d *Direct) SetMinOutgoingBitrate(int) *proto.Error {
	return errNoBitrate("setMinOutgoingBitrate")
}

func errNoBitrate(method string) *proto.Error {
	return proto.Unsupported("%s: a direct transport has no bitrate limits", method)
}

// Dump shows the transport as transport.dump and createDirectTransport do: a proto.DirectTransportDump.
func (d *Direct) Dump() any {
	dump := d.dump()
	dump.Direct, dump.MaxSendMessageSize, dump.MaxReceiveMessageSize = true, d.maxSend, d.maxReceive
	d.data.addToDump(&dump)
	return proto.DirectTransportDump{TransportDump: dump}
}

// Stats counts as transport.getStats does: proto.DirectTransportStats.
func (d *Direct) Stats(now time.Time) any {
	return proto.DirectTransportStats{TransportStats: d.stats(now, "direct-transport", ice.Drops{})}
}

// Close ends the transport and all it carries.
func (d *Direct) Close(now time.Time) {
	if d.closed {
		return
	}
	d.closed = true
	d.become(absent)
	d.closeData(now)
	d.closeMedia(now)
}
