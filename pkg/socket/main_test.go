package socket

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gazpacho/pkg/tuple"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of these tests; none of them passes or fails by how long it takes.
const patience = 10 * time.Second

var (
	loopback4 = netip.MustParseAddrPort("127.0.0.1:0")
	loopback6 = netip.MustParseAddrPort("[::1]:0")
	wildcard6 = netip.MustParseAddrPort("[::]:0")
)

// got is a packet as a handler saw it.
type got struct {
	from   tuple.Tuple
	data   string
	closed bool
}

// collect is a sink whose packets come out of a channel.
func collect(packets chan<- got) Sink {
	return func(b *Batch) {
		for {
			from, data, ok := b.Next()
			if !ok {
				break
			}
			packets <- got{from: from, data: string(data)}
		}
		if b.Closed {
			packets <- got{from: tuple.Tuple{Link: b.Link, Protocol: b.Protocol, Local: b.Local}, closed: true}
		}
		b.Release()
	}
}

func listenUDP(t testing.TB, links *Links, addr netip.AddrPort, opts Options) *UDP {
	t.Helper()
	u, err := ListenUDP(links, addr, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Close() })
	return u
}

// receive starts a UDP socket and returns what it reads.
func receive(t testing.TB, u *UDP) <-chan got {
	t.Helper()
	packets := make(chan got, 8192)
	u.Start(NewPool(8), collect(packets))
	return packets
}

// failer is what testing and rapid have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// next waits for one packet.
func next(t failer, packets <-chan got) got {
	t.Helper()
	select {
	case p := <-packets:
		return p
	case <-time.After(patience):
		t.Fatal("no packet came")
		return got{}
	}
}

// noMore fails if a packet is there.
func noMore(t failer, packets <-chan got) {
	t.Helper()
	select {
	case p := <-packets:
		t.Fatalf("unexpected packet %q from %v", p.data, p.from)
	default:
	}
}

// eventually waits for a condition that another goroutine brings about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// commit queues one packet.
func commit(e interface {
	Next() []byte
	Commit(n int, to tuple.Tuple)
}, to tuple.Tuple, data string,
) {
	e.Commit(copy(e.Next(), data), to)
}

// filler is n bytes that tell packets apart.
func filler(n int, b byte) string { return string(bytes.Repeat([]byte{b}, n)) }
