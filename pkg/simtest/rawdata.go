package simtest

import (
	"io"
	"net"

	"github.com/pion/logging"
	"github.com/pion/sctp"

	"gazpacho/proto"
)

// Associate runs SCTP over the client's DTLS; through wraps what the library writes to, and may be nil. Window is how much the client takes; 0 is the
// library's own.
func (r *Raw) Associate(window uint32, through func(io.Writer) io.Writer) *sctp.Association {
	r.t.Helper()
	var w io.Writer = r.DTLS
	if through != nil {
		w = through(r.DTLS)
	}
	options := []sctp.ClientOption{
		sctp.WithNetConn(bent{Conn: r.DTLS, w: w}), sctp.WithMaxMessageSize(1 << 30),
		sctp.WithLoggerFactory(&logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}),
	}
	if window != 0 {
		options = append(options, sctp.WithMaxReceiveBufferSize(window))
	}
	a, err := sctp.ClientWithOptions(options...)
	if err != nil {
		r.t.Fatalf("SCTP: %v", err)
	}
	Wait(r.w, proto.EventSCTPStateChange, r.Transport.ID, func(s proto.SCTPStateChange) bool { return s.SCTPState == proto.SCTPConnected })
	return a
}

// ProduceData makes the worker take what comes on a stream.
func (r *Raw) ProduceData(stream uint16) string {
	r.t.Helper()
	id, yes := r.w.ID("dataProducer"), true
	Request[proto.DataProducerDump](r.w, proto.TransportProduceData, r.Transport.ID, proto.ProduceData{
		DataProducerID: id, Type: proto.DataSCTP, SCTPStreamParameters: &proto.SCTPStreamParameters{StreamID: stream, Ordered: &yes},
	})
	return id
}

// ConsumeData makes the worker send on a stream what a data producer gives.
func (r *Raw) ConsumeData(producerID string, stream uint16) string {
	r.t.Helper()
	id, yes := r.w.ID("dataConsumer"), true
	Request[proto.DataConsumerDump](r.w, proto.TransportConsumeData, r.Transport.ID, proto.ConsumeData{
		DataConsumerID: id, DataProducerID: producerID, Type: proto.DataSCTP, SCTPStreamParameters: &proto.SCTPStreamParameters{StreamID: stream, Ordered: &yes},
	})
	return id
}

// bent is a connection whose writes take another way.
type bent struct {
	net.Conn
	w io.Writer
}

// Write takes the other way.
func (b bent) Write(p []byte) (int, error) { return b.w.Write(p) }
