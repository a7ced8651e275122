package router

import (
	"slices"
	"testing"
	"time"

	"gazpacho/pkg/data"
	"gazpacho/pkg/transport"
	"gazpacho/proto"
)

// pipe is an SCTP association that takes everything.
type pipe struct{ sent []string }

func (p *pipe) Open(uint16, data.Reliability)                  {}
func (p *pipe) CloseStream(uint16)                             {}
func (p *pipe) Send(_ time.Time, _ uint16, _ uint32, b []byte) { p.sent = append(p.sent, string(b)) }
func (p *pipe) Close()                                         {}

// packetPipe is one that takes packets as well.
type packetPipe struct{ pipe }

func (*packetPipe) Handle([]byte) bool { return true }

// populateData makes two transports with SCTP that are connected, da and db, a data producer dp on da and a data consumer dc of it on db.
func (w *world) populateData() *pipe {
	w.t.Helper()
	made := &pipe{}
	w.router.env.NewSCTP = func(*transport.WebRTC, transport.DTLS, proto.SCTPOptions) transport.SCTP { return made }
	for _, id := range []string{"da", "db"} {
		w.do(proto.RouterCreateWebRTCTransportWithServer, "r", proto.WebRTCTransportOptions{
			TransportID: id, WebRTCServerID: "server", SCTPOptions: proto.SCTPOptions{EnableSCTP: true},
		})
		t := w.router.transports[id].(*transport.WebRTC)
		t.DTLSConnected(w.now, transport.Keys{
			Profile: 7, LocalKey: make([]byte, 16), LocalSalt: make([]byte, 12), RemoteKey: make([]byte, 16), RemoteSalt: make([]byte, 12),
		}, "")
	}
	w.do(proto.TransportProduceData, "da", produceData("dp", 1))
	w.do(proto.TransportConsumeData, "db", consumeData("dc", "dp", 2))
	w.connectData("da")
	w.connectData("db")
	w.take()
	return made
}

func (w *world) connectData(id string) {
	w.router.transports[id].(*transport.WebRTC).SCTPConnected(w.now, 10, 20)
}

func produceData(id string, stream uint16) proto.ProduceData {
	return proto.ProduceData{DataProducerID: id, Type: proto.DataSCTP, SCTPStreamParameters: &proto.SCTPStreamParameters{StreamID: stream}, Label: "chat"}
}

func consumeData(id, producerID string, stream uint16) proto.ConsumeData {
	return proto.ConsumeData{
		DataConsumerID: id, DataProducerID: producerID, Type: proto.DataSCTP, SCTPStreamParameters: &proto.SCTPStreamParameters{StreamID: stream}, Label: "chat",
	}
}

func TestDataGoesFromTransportToTransport(t *testing.T) {
	w := newWorld(t)
	made := w.populateData()
	from := w.router.transports["da"].(*transport.WebRTC)
	from.SCTPMessage(w.now, 1, data.PPIDString, []byte("hello"))
	from.SCTPMessage(w.now, 3, data.PPIDString, []byte("nobody's"))
	if !slices.Equal(made.sent, []string{"hello"}) {
		t.Errorf("sent %q", made.sent)
	}
	d := w.do(proto.RouterDumpMethod, "r", nil).(proto.RouterDump)
	if len(d.MapDataProducerIDDataConsumerIDs) != 1 || !slices.Equal(d.MapDataProducerIDDataConsumerIDs[0].Values, []string{"dc"}) ||
		len(d.MapDataConsumerIDDataProducerID) != 1 || d.MapDataConsumerIDDataProducerID[0].Value != "dp" {
		t.Errorf("dump %+v", d)
	}
}

// Who closes tells the others: PROTOCOL.md, "Closing: who tells whom".
func TestClosingData(t *testing.T) {
	tests := []struct {
		name       string
		method, id string
		body       any
		events     []string
		left       []string // of dp and dc
	}{
		{"the data consumer", proto.TransportCloseDataConsumer, "db", proto.CloseDataConsumer{DataConsumerID: "dc"}, nil, []string{"dp"}},
		{
			"the data producer", proto.TransportCloseDataProducer, "da",
			proto.CloseDataProducer{DataProducerID: "dp"},
			[]string{"dc " + proto.EventDataConsumerProducerClose},
			nil,
		},
		{"the consumer's transport", proto.RouterCloseTransport, "r", proto.CloseTransport{TransportID: "db"}, nil, []string{"dp"}},
		{
			"the producer's transport", proto.RouterCloseTransport, "r",
			proto.CloseTransport{TransportID: "da"},
			[]string{"dc " + proto.EventDataConsumerProducerClose},
			nil,
		},
	}
	for _, tt := range tests {
		w := newWorld(t)
		w.populateData()
		w.do(tt.method, tt.id, tt.body)
		if got := w.take(); !slices.Equal(got, tt.events) {
			t.Errorf("%s: events %q, want %q", tt.name, got, tt.events)
		}
		for _, id := range []string{"dp", "dc"} {
			if left := w.owners[id] != nil; left != slices.Contains(tt.left, id) {
				t.Errorf("%s: %s is left: %v", tt.name, id, left)
			}
		}
	}
	w := newWorld(t)
	w.populateData()
	w.router.Close(w.now)
	if got := w.take(); got != nil || len(w.owners) != 1 {
		t.Errorf("the router: events %q, owners %v", got, w.owners)
	}
}

func TestDataRefusals(t *testing.T) {
	w := newWorld(t)
	w.populate()
	w.populateData()
	direct := produceData("x", 9)
	direct.Type = proto.DataDirect
	tests := []struct {
		name       string
		method, id string
		body       any
		code, path string
	}{
		{"no SCTP", proto.TransportProduceData, "w", produceData("x", 9), proto.CodeBadField, "type"},
		{"no SCTP to consume", proto.TransportConsumeData, "p", consumeData("x", "dp", 9), proto.CodeBadField, "type"},
		{"direct", proto.TransportProduceData, "da", direct, proto.CodeUnsupported, ""},
		{"stream in use", proto.TransportProduceData, "da", produceData("x", 1), proto.CodeBadField, "sctpStreamParameters.streamId"},
		{"stream in use by a consumer", proto.TransportConsumeData, "db", consumeData("x", "dp", 2), proto.CodeBadField, "sctpStreamParameters.streamId"},
		{"taken id", proto.TransportProduceData, "da", produceData("dc", 9), proto.CodeDuplicate, ""},
		{"taken id of a consumer", proto.TransportConsumeData, "db", consumeData("dp", "dp", 9), proto.CodeDuplicate, ""},
		{"nobody's data", proto.TransportConsumeData, "db", consumeData("x", "?", 9), proto.CodeNotFound, ""},
		{"another transport's data producer", proto.TransportCloseDataProducer, "db", proto.CloseDataProducer{DataProducerID: "dp"}, proto.CodeNotFound, ""},
		{"another transport's data consumer", proto.TransportCloseDataConsumer, "da", proto.CloseDataConsumer{DataConsumerID: "dc"}, proto.CodeNotFound, ""},
		{"threshold", proto.DataConsumerSetBufferedAmountLowThreshold, "dc", proto.SetBufferedAmountLowThreshold{Threshold: -1}, proto.CodeBadField, "threshold"},
	}
	before := w.state()
	for _, tt := range tests {
		if _, err := w.ask(tt.method, tt.id, tt.body); err == nil || err.Code != tt.code || err.Path != tt.path {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if after := w.state(); after != before {
		t.Errorf("changed\n%s to\n%s", before, after)
	}
}

var dataRequests = []request{
	{proto.TransportProduceData, "db", produceData("dp2", 1), proto.DataProducerDump{
		ID: "dp2", Type: proto.DataSCTP, Label: "chat", SCTPStreamParameters: &proto.SCTPStreamParameters{StreamID: 1, Ordered: yes()},
	}},
	{proto.TransportConsumeData, "da", consumeData("dc2", "dp2", 2), proto.DataConsumerDump{
		ID: "dc2", DataProducerID: "dp2", Type: proto.DataSCTP, Label: "chat", BufferedAmountLowThreshold: 1024, Subchannels: []uint16{},
		SCTPStreamParameters: &proto.SCTPStreamParameters{StreamID: 2, Ordered: yes()},
	}},
	{proto.DataProducerDumpMethod, "dp", nil, proto.DataProducerDump{}},
	{proto.DataProducerGetStats, "dp", nil, []proto.DataProducerStats{}},
	{proto.DataProducerPause, "dp", nil, nil},
	{proto.DataProducerResume, "dp", nil, nil},
	{proto.DataConsumerDumpMethod, "dc", nil, proto.DataConsumerDump{}},
	{proto.DataConsumerGetStats, "dc", nil, []proto.DataConsumerStats{}},
	{proto.DataConsumerPause, "dc", nil, nil},
	{proto.DataConsumerResume, "dc", nil, nil},
	{proto.DataConsumerSend, "dc", proto.SendData{PPID: data.PPIDString, Data: proto.Blob("hello")}, proto.BufferedAmount{BufferedAmount: 5}},
	{proto.DataConsumerGetBufferedAmount, "dc", nil, proto.BufferedAmount{BufferedAmount: 5}},
	{proto.DataConsumerSetBufferedAmountLowThreshold, "dc", proto.SetBufferedAmountLowThreshold{Threshold: 5}, nil},
	{proto.DataConsumerSetSubchannels, "dc", proto.SetSubchannels{Subchannels: []uint16{7, 3}}, proto.Subchannels{Subchannels: []uint16{3, 7}}},
	{proto.DataConsumerAddSubchannel, "dc", proto.Subchannel{Subchannel: 5}, proto.Subchannels{Subchannels: []uint16{3, 5, 7}}},
	{proto.DataConsumerRemoveSubchannel, "dc", proto.Subchannel{Subchannel: 3}, proto.Subchannels{Subchannels: []uint16{5, 7}}},
	{proto.TransportCloseDataConsumer, "db", proto.CloseDataConsumer{DataConsumerID: "dc"}, nil},
	{proto.TransportCloseDataProducer, "da", proto.CloseDataProducer{DataProducerID: "dp"}, nil},
}

func yes() *bool { b := true; return &b }
