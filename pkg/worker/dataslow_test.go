package worker

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/pion/logging"
	pion "github.com/pion/sctp"

	"gazpacho/pkg/socket"
	"gazpacho/proto"
)

// R-SCTP-2: a reader that takes nothing costs its cap and no more, whatever is sent to it and however large the messages are: "1 MiB buffered per
// DataConsumer (unreliable: drop; reliable: close with an event)". What it has then is freed with it.
func TestSlowReaderCostsItsCap(t *testing.T) {
	many := uint16(1000)
	for _, size := range []int{500, 60_000} {
		for name, stream := range map[string]*proto.SCTPStreamParameters{
			"reliable": {StreamID: 1}, "unreliable": {StreamID: 1, MaxRetransmits: &many},
		} {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) { slowReader(t, stream, size) })
		}
	}
}

func slowReader(t *testing.T, stream *proto.SCTPStreamParameters, size int) {
	connected := make(chan struct{}, 1)
	full := 0 // of the loop
	w := newInside(t, func(_ string, e proto.Event) {
		switch e.Name {
		case proto.EventSCTPStateChange:
			if e.Body.(proto.SCTPStateChange).SCTPState == proto.SCTPConnected {
				connected <- struct{}{}
			}
		case proto.EventDataConsumerBufferFull:
			full++
		}
	})
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var port uint16
	w.do(func(now time.Time) {
		port = w.ask(now, proto.RouterCreatePlainTransport, "router", proto.PlainTransportOptions{
			TransportID: "plain", ListenInfo: proto.ListenInfo{Protocol: "udp", IP: "127.0.0.1"}, SCTPOptions: proto.SCTPOptions{EnableSCTP: true},
		}).(proto.PlainTransportDump).Tuple.LocalPort
		w.ask(now, proto.PlainTransportConnect, "plain", proto.ConnectPlainTransport{IP: "127.0.0.1", Port: uint16(conn.LocalAddr().(*net.UDPAddr).Port)})
		w.ask(now, proto.RouterCreateDirectTransport, "router", proto.DirectTransportOptions{TransportID: "direct"})
		w.ask(now, proto.TransportProduceData, "direct", proto.ProduceData{DataProducerID: "source", Type: proto.DataDirect})
		w.ask(now, proto.TransportConsumeData, "plain", proto.ConsumeData{DataConsumerID: "slow", DataProducerID: "source", Type: proto.DataSCTP, SCTPStreamParameters: stream})
	})
	// A reader whose window is small, and whose streams nobody reads.
	const window = 32 << 10
	peer, err := pion.ClientWithOptions(pion.WithNetConn(udpPeer{conn, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(port)}}),
		pion.WithMaxReceiveBufferSize(window), pion.WithLoggerFactory(&logging.DefaultLoggerFactory{Writer: io.Discard}))
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	await(t, connected)

	warm(w.loop.Pool())
	before := heapInUse()
	payload := make([]byte, size)
	const total = 32 << 20
	for sent := 0; sent < total; {
		w.do(func(now time.Time) {
			for range 50 {
				w.say(now, "source", payload)
				sent += size
			}
		})
	}
	// The cap counts what messages cost besides their payload; the library keeps a little more per packet than is counted.
	const cap, slack = 1 << 20, 768 << 10
	grown := heapInUse() - before
	if grown > cap+window+slack {
		t.Errorf("the slow reader costs %d KiB", grown>>10)
	}
	t.Logf("the slow reader costs %d KiB", grown>>10)
	w.do(func(now time.Time) {
		if full != 1 {
			t.Errorf("the controller was told %d times that the buffer is full", full)
		}
		if n := w.env.DataBudget.Used(); n > cap || (stream.MaxRetransmits == nil && n != 0) {
			t.Errorf("%d bytes are accounted for", n)
		}
		w.ask(now, proto.RouterCloseTransport, "router", proto.CloseTransport{TransportID: "plain"})
		if n := w.env.DataBudget.Used(); n != 0 {
			t.Errorf("%d bytes wait for nobody", n)
		}
	})
	_ = peer.Close()
	deadline := time.Now().Add(20 * time.Second)
	for heapInUse()-before > 256<<10 {
		if time.Now().After(deadline) {
			t.Fatalf("%d KiB are left of a reader that is gone", (heapInUse()-before)>>10)
		}
		time.Sleep(10 * time.Millisecond) // its goroutines unwind
	}
}

// warm has a pool make all its batches: how many of them readers need depends on who else uses the machine.
func warm(p *socket.Pool) {
	var list []*socket.Batch
	for range p.Size() {
		cancel := make(chan struct{})
		time.AfterFunc(100*time.Millisecond, func() { close(cancel) }) // readers hold one each while they wait
		if b := p.Take(cancel); b != nil {
			list = append(list, b)
		}
	}
	for _, b := range list {
		b.Release()
	}
}

// udpPeer is an UDP socket that knows one peer, and can be told it late.
type udpPeer struct {
	*net.UDPConn
	to *net.UDPAddr
}

func (p udpPeer) Read(b []byte) (int, error) {
	n, _, err := p.ReadFrom(b)
	return n, err
}

func (p udpPeer) Write(b []byte) (int, error) { return p.WriteTo(b, p.to) }

func heapInUse() int {
	runtime.GC()
	runtime.GC() // what pools hold goes at the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
