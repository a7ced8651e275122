package proto

// Notifications are what a controller sends without waiting for an answer, all of them binary: the packets and messages of direct
// transports. The handler id names the object in front of the dot.
const (
	NotifyTransportSendRTCP = "transport.sendRtcp" // is taken as if the peer had sent it
	NotifyProducerSend      = "producer.send"      // is taken as if the peer had sent it
	NotifyDataProducerSend  = "dataProducer.send"  // is taken as if the peer had sent it
)

// NotificationType is a binary notification of a controller's: whose handler id it carries, the type of its meta, and what its payload is; a nil
// Meta is none.
type NotificationType struct {
	Name    string
	Target  string
	Meta    any
	Payload string
}

// Notifications is every notification that a worker heeds.
var Notifications = []NotificationType{
	{Name: NotifyTransportSendRTCP, Target: "transport", Payload: "RTCP, a compound or a single packet"},
	{Name: NotifyProducerSend, Target: "producer", Payload: "an RTP packet"},
	{Name: NotifyDataProducerSend, Target: "dataProducer", Meta: DataProducerSend{}, Payload: "a message"},
}
