package worker

import (
	"net"
	"time"

	"gazpacho/pkg/data"
	"gazpacho/pkg/mailbox"
	"gazpacho/pkg/sctp"
	"gazpacho/pkg/transport"
	"gazpacho/proto"
)

// openSCTP makes the SCTP association of a transport over its DTLS association, which is connected.
func (i *islands) openSCTP(t *transport.WebRTC, d transport.DTLS, o proto.SCTPOptions) transport.SCTP {
	return i.messenger(t, d.(*association).Data(), o)
}

// openPacketSCTP makes an association whose packets are datagrams of the transport.
func (i *islands) openPacketSCTP(t *transport.Plain, o proto.SCTPOptions) transport.PacketSCTP {
	out := mailbox.NewOutbox(i.loop.Post, t.SendSCTP)
	box := mailbox.New(func(b []byte) {
		if !out.Put(b) {
			i.data.Unposted.Add(1)
		}
	})
	box.Grow(mailbox.Bulk)
	return &packetMessenger{messenger: i.messenger(t, box, o), box: box}
}

func (i *islands) messenger(t talker, conn net.Conn, o proto.SCTPOptions) *messenger {
	return &messenger{sctp.New(sctp.Config{
		Conn: conn, Events: sctpEvents{t}, Post: i.loop.Post, Timer: i.timer, MaxSendMessage: o.MaxSendMessageSize,
		MaxReceiveMessage: o.MaxReceiveMessageSize, ReceiveWindow: o.SCTPMaxReceiverWindowBufferSize, Counters: i.data,
	})}
}

// messenger is an sctp.Association as a transport sees it.
type messenger struct{ *sctp.Association }

// Open translates the reliability.
func (m *messenger) Open(stream uint16, r data.Reliability) {
	m.Association.Open(sctp.Stream{
		ID: stream, Unordered: !r.Ordered, MaxRetransmits: r.MaxRetransmits, MaxPacketLifeTime: r.MaxPacketLifeTime,
	})
}

// packetMessenger is one that runs on datagrams, which it gets from a mailbox.
type packetMessenger struct {
	*messenger
	box *mailbox.Conn
}

// Handle puts a packet of the peer's into the mailbox.
func (m *packetMessenger) Handle(packet []byte) bool { return m.box.Put(packet) }

// Close ends the association, and then what it runs on.
func (m *packetMessenger) Close() {
	m.messenger.Close()
	_ = m.box.Close() // always nil
}

// talker is a transport that has an SCTP association.
type talker interface {
	SCTPConnected(now time.Time, outbound, inbound uint16)
	SCTPFailed(now time.Time)
	SCTPClosed(now time.Time)
	SCTPMessage(now time.Time, stream uint16, ppid uint32, payload []byte)
	SCTPReleased(now time.Time, stream uint16, bytes, count int)
	SCTPStreamClosed(now time.Time, stream uint16)
}

// sctpEvents is a transport as its SCTP association sees it.
type sctpEvents struct{ talker }

// SCTPConnected translates the capabilities.
func (e sctpEvents) SCTPConnected(now time.Time, c sctp.Capabilities) {
	e.talker.SCTPConnected(now, c.Outbound, c.Inbound)
}

// SCTPFailed drops the reason, which the channel has no field for.
func (e sctpEvents) SCTPFailed(now time.Time, _ error) { e.talker.SCTPFailed(now) }

// SCTPMessages hands the messages on one by one; any of them may be the transport's last.
func (e sctpEvents) SCTPMessages(now time.Time, list []sctp.Message) {
	for _, m := range list {
		e.talker.SCTPMessage(now, m.Stream, m.PPID, m.Payload)
	}
}

// SCTPReleased hands the reports on.
func (e sctpEvents) SCTPReleased(now time.Time, list []sctp.Release) {
	for _, r := range list {
		e.talker.SCTPReleased(now, r.Stream, r.Bytes, r.Messages)
	}
}
