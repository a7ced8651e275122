package worker_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/pion/logging"
	pion "github.com/pion/sctp"

	"gazpacho/pkg/data"
	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// line is a peer's association with a transport of a worker, whatever it runs on.
type line struct {
	*simtest.Worker
	t         *testing.T
	transport string
	peer      *pion.Association
}

// paths are the ways SCTP comes to a worker: over DTLS, or alone in datagrams.
var paths = map[string]func(t *testing.T, w *simtest.Worker, router string) *line{
	"webrtc": func(t *testing.T, w *simtest.Worker, router string) *line {
		r := simtest.ConnectRaw(w, router, w.Server(), simtest.RawOptions{Data: true})
		a := r.Associate(5<<20, nil)
		t.Cleanup(func() {
			_ = a.Close()
			_ = r.DTLS.Close()
		})
		return &line{w, t, r.Transport.ID, a}
	},
	"plain": func(t *testing.T, w *simtest.Worker, router string) *line {
		return bare(t, w, router, func(id string, port uint16) uint16 {
			d := simtest.Request[proto.PlainTransportDump](w, proto.RouterCreatePlainTransport, router, proto.PlainTransportOptions{
				TransportID: id, ListenInfo: proto.ListenInfo{Protocol: "udp", IP: "127.0.0.1"}, SCTPOptions: proto.SCTPOptions{EnableSCTP: true},
			})
			w.Do(proto.PlainTransportConnect, id, proto.ConnectPlainTransport{IP: "127.0.0.1", Port: port})
			return d.Tuple.LocalPort
		})
	},
	"pipe": func(t *testing.T, w *simtest.Worker, router string) *line {
		return bare(t, w, router, func(id string, port uint16) uint16 {
			d := simtest.Request[proto.PipeTransportDump](w, proto.RouterCreatePipeTransport, router, proto.PipeTransportOptions{
				TransportID: id, ListenInfo: proto.ListenInfo{Protocol: "udp", IP: "127.0.0.1"}, SCTPOptions: proto.SCTPOptions{EnableSCTP: true},
			})
			w.Do(proto.PipeTransportConnect, id, proto.ConnectPipeTransport{IP: "127.0.0.1", Port: port})
			return d.Tuple.LocalPort
		})
	},
}

// bare connects without DTLS to the port of the transport that create makes.
func bare(t *testing.T, w *simtest.Worker, router string, create func(id string, port uint16) uint16) *line {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	id := w.ID("transport")
	port := create(id, uint16(conn.LocalAddr().(*net.UDPAddr).Port))
	a, err := pion.ClientWithOptions(pion.WithNetConn(toward{conn, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(port)}}),
		pion.WithMaxReceiveBufferSize(5<<20), pion.WithMaxMessageSize(1<<20),
		pion.WithLoggerFactory(&logging.DefaultLoggerFactory{Writer: io.Discard}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return &line{w, t, id, a}
}

// toward is a socket that knows one peer.
type toward struct {
	*net.UDPConn
	to *net.UDPAddr
}

func (c toward) Read(b []byte) (int, error) {
	n, _, err := c.ReadFrom(b)
	return n, err
}

func (c toward) Write(b []byte) (int, error) { return c.WriteTo(b, c.to) }

// onEach runs a test over every path.
func onEach(t *testing.T, f func(l *line)) {
	for name, connect := range paths {
		t.Run(name, func(t *testing.T) {
			w := simtest.StartWorker(t)
			l := connect(t, w, w.Router())
			simtest.Wait(w, proto.EventSCTPStateChange, l.transport, func(s proto.SCTPStateChange) bool { return s.SCTPState == proto.SCTPConnected })
			f(l)
		})
	}
}

// produce makes the worker take a stream, and returns the data producer's id and the peer's end.
func (l *line) produce(stream uint16) (string, *pion.Stream) {
	l.t.Helper()
	id := l.ID("producer")
	simtest.Request[proto.DataProducerDump](l.Worker, proto.TransportProduceData, l.transport, proto.ProduceData{
		DataProducerID: id, Type: proto.DataSCTP, SCTPStreamParameters: &proto.SCTPStreamParameters{StreamID: stream},
	})
	return id, l.stream(stream)
}

// consume makes the worker send on a stream.
func (l *line) consume(producer string, s proto.SCTPStreamParameters) string {
	l.t.Helper()
	id := l.ID("consumer")
	simtest.Request[proto.DataConsumerDump](l.Worker, proto.TransportConsumeData, l.transport, proto.ConsumeData{
		DataConsumerID: id, DataProducerID: producer, Type: proto.DataSCTP, SCTPStreamParameters: &s,
	})
	return id
}

func (l *line) stream(id uint16) *pion.Stream {
	l.t.Helper()
	s, err := l.peer.OpenStream(id, pion.PayloadTypeWebRTCBinary)
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

func (l *line) write(s *pion.Stream, payload []byte) {
	l.t.Helper()
	if _, err := s.WriteSCTP(payload, pion.PayloadTypeWebRTCBinary); err != nil {
		l.t.Fatal(err)
	}
}

// read reads one message, or the stream's end.
func (l *line) read(s *pion.Stream) ([]byte, error) {
	l.t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(30 * time.Second))
	b := make([]byte, 1<<20)
	n, _, err := s.ReadSCTP(b)
	_ = s.SetReadDeadline(time.Time{}) // the library waits for it in a goroutine
	if err != nil && !errors.Is(err, io.EOF) {
		l.t.Fatal(err)
	}
	return b[:n], err
}

func (l *line) expect(s *pion.Stream, want []byte) {
	l.t.Helper()
	if got, err := l.read(s); err != nil || !bytes.Equal(got, want) {
		l.t.Fatalf("got %d bytes, %v; want %d", len(got), err, len(want))
	}
}

// R-SCTP-1: "messages ≤ 256 KiB by default": as large as was negotiated goes both ways, a byte more goes neither way and harms nothing.
func TestMessageSizes(t *testing.T) {
	onEach(t, func(l *line) {
		const most = 262_144
		producer, in := l.produce(1)
		consumer := l.consume(producer, proto.SCTPStreamParameters{StreamID: 2})
		out := l.stream(2)
		fits, over := bytes.Repeat([]byte("f"), most), make([]byte, most+1)
		l.write(in, fits)
		l.expect(out, fits)
		l.write(in, over)
		l.write(in, []byte("after it"))
		l.expect(out, []byte("after it"))
		if n := simtest.Request[proto.WorkerStats](l.Worker, proto.WorkerGetStats, "", nil).Drops["sctpTooLarge"]; n != 1 {
			t.Errorf("%d messages were too large", n)
		}
		// The controller's own.
		simtest.Request[proto.BufferedAmount](l.Worker, proto.DataConsumerSend, consumer, proto.SendData{PPID: data.PPIDBinary, Data: fits})
		l.expect(out, fits)
		_, err := simtest.TryRequest[proto.BufferedAmount](l.Worker, proto.DataConsumerSend, consumer, proto.SendData{PPID: data.PPIDBinary, Data: over})
		var refused *proto.Error
		if !errors.As(err, &refused) || refused.Name != proto.TypeErrorName || refused.Path != "data" {
			t.Errorf("a message that is too large: %v", err)
		}
		simtest.Request[proto.BufferedAmount](l.Worker, proto.DataConsumerSend, consumer, proto.SendData{PPID: data.PPIDBinary, Data: proto.Blob("small")})
		l.expect(out, []byte("small"))
	})
}

// RFC 8831 section 6.7: a channel is closed by resetting its stream, whose number can be used again then; from either side, and with other
// reliability.
func TestStreamsAreUsedAgain(t *testing.T) {
	onEach(t, func(l *line) {
		producer, in := l.produce(1)
		few := uint16(3)
		for round, s := range []proto.SCTPStreamParameters{{StreamID: 7}, {StreamID: 7, MaxRetransmits: &few}, {StreamID: 7, MaxPacketLifeTime: &few}, {StreamID: 7}} {
			consumer := l.consume(producer, s)
			out := l.stream(7)
			text := bytes.Repeat([]byte{byte('a' + round)}, 2000)
			l.write(in, text)
			for simtest.Request[[]proto.DataProducerStats](l.Worker, proto.DataProducerGetStats, producer, nil)[0].MessagesReceived <= uint64(round) {
				time.Sleep(time.Millisecond)
			}
			if s.MaxPacketLifeTime == nil { // else it may have died of old age
				l.expect(out, text)
			}
			if round%2 == 0 {
				l.Do(proto.TransportCloseDataConsumer, l.transport, proto.CloseDataConsumer{DataConsumerID: consumer})
				for err := error(nil); err == nil; {
					_, err = l.read(out)
				}
				if err := out.Close(); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if err := out.Close(); err != nil { // the peer goes first
				t.Fatal(err)
			}
			for err := error(nil); err == nil; {
				_, err = l.read(out)
			}
			if _, err := simtest.TryRequest[proto.BufferedAmount](l.Worker, proto.DataConsumerSend, consumer, proto.SendData{PPID: data.PPIDBinary, Data: proto.Blob("x")}); err == nil {
				t.Error("sent on a stream that the peer has closed")
			}
			l.Do(proto.TransportCloseDataConsumer, l.transport, proto.CloseDataConsumer{DataConsumerID: consumer})
		}
	})
}

// RFC 8832 section 6: "a DATA_CHANNEL_ACK message ... MUST be sent" to whoever opens a channel in the stream itself.
func TestChannelOpenMessage(t *testing.T) {
	onEach(t, func(l *line) {
		_, s := l.produce(5)
		open := []byte{3, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 'c', 'h', 'a', 't'}
		if _, err := s.WriteSCTP(open, pion.PayloadTypeWebRTCDCEP); err != nil {
			t.Fatal(err)
		}
		_ = s.SetReadDeadline(time.Now().Add(30 * time.Second))
		b := make([]byte, 100)
		n, ppid, err := s.ReadSCTP(b)
		_ = s.SetReadDeadline(time.Time{})
		if err != nil || ppid != pion.PayloadTypeWebRTCDCEP || !bytes.Equal(b[:n], []byte{2}) {
			t.Errorf("got %x, protocol %d, %v", b[:n], ppid, err)
		}
	})
}

// What waits for a peer that does not read is told, and its going below the threshold once it does.
func TestBufferedAmount(t *testing.T) {
	onEach(t, func(l *line) {
		producer, _ := l.produce(1)
		consumer := l.consume(producer, proto.SCTPStreamParameters{StreamID: 2})
		l.Do(proto.DataConsumerSetBufferedAmountLowThreshold, consumer, proto.SetBufferedAmountLowThreshold{Threshold: 10_000})
		out := l.stream(2)
		send := func() (int, error) {
			r, err := simtest.TryRequest[proto.BufferedAmount](l.Worker, proto.DataConsumerSend, consumer, proto.SendData{PPID: data.PPIDBinary, Data: make([]byte, 200_000)})
			return r.BufferedAmount, err
		}
		// Five of them are within the cap, however little of it the peer has acknowledged meanwhile.
		most := 0
		for range 5 {
			n, err := send()
			if err != nil {
				t.Fatal(err)
			}
			most = max(most, n)
		}
		if most < 200_000 || most > 1<<20 {
			t.Errorf("%d bytes waited", most)
		}
		for range 5 {
			if got, err := l.read(out); err != nil || len(got) != 200_000 {
				t.Fatalf("got %d bytes, %v", len(got), err)
			}
		}
		simtest.Wait(l.Worker, proto.EventDataConsumerAmountLow, consumer, func(b proto.BufferedAmount) bool { return b.BufferedAmount <= 10_000 })
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
			if simtest.Request[proto.BufferedAmount](l.Worker, proto.DataConsumerGetBufferedAmount, consumer, nil).BufferedAmount == 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("something waits for ever")
			}
		}
	})
}
