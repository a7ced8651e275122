package dtls

import (
	"bytes"
	"crypto/rand"
	"runtime"
	"testing"
	"time"

	pion "github.com/pion/dtls/v2"
)

// connectNow makes n connected associations in real time, and takes their peers away.
func connectNow(t testing.TB, l *loop, n int, change ...func(*Config)) []*world {
	worlds := make([]*world, n)
	for i := range worlds {
		w := newWorldOn(l, t, change...)
		w.start(Server)
		p := w.connect(Server, peerConfig{})
		<-p.done
		if p.err != nil {
			t.Fatal(p.err)
		}
		for state := StateConnecting; state != StateConnected; {
			w.do(func(time.Time) { state = w.a.State() })
		}
		w.do(func(time.Time) { w.peer = nil })
		p.close()
		w.sentAt, w.events, w.keys = nil, nil, Keys{}
		worlds[i] = w
	}
	return worlds
}

func closeNow(l *loop, worlds []*world) {
	for _, w := range worlds {
		w.do(func(now time.Time) { w.a.Close(now) })
	}
	l.close()
}

// R-DTLS-4: "≤ 5 ms CPU per datagram", of whatever kind it is, while the memory for fragments is full. The least of some tries is taken: others use
// the machine, too.
func TestCostOfADatagram(t *testing.T) {
	const limit, tries = 5 * time.Millisecond, 20
	datagrams := killers()
	datagrams["ClientHello"] = goodHello().datagram()
	// As many fragments as a datagram holds: of one message, with gaps between them, and of many.
	var gaps, messages []byte
	for i := range 50 {
		b := make([]byte, handshakeHeader+10)
		putHandshakeHeader(b, typeClientHello, maxMessage, 0, 20*i, 10)
		gaps = append(gaps, b...)
		putHandshakeHeader(b, typeCertificate, maxMessage, uint16(i), 20*i, 10)
		messages = append(messages, b...)
	}
	datagrams["gaps"] = rawRecord(contentHandshake, 0, 1, gaps)
	datagrams["messages"] = rawRecord(contentHandshake, 0, 1, messages)
	// As many records.
	var records []byte
	for len(records) < 1400 {
		records = append(records, rawRecord(contentHandshake, 1, 1, []byte{1})...)
	}
	datagrams["records"] = records
	for name, b := range datagrams {
		least := time.Hour
		for range tries {
			l := newLoop()
			w := newWorldOn(l, t)
			w.start(Server)
			w.do(func(now time.Time) {
				w.a.Handle(now, bytes.Clone(datagrams["gaps"]))
				start := time.Now()
				w.a.Handle(now, bytes.Clone(b))
				least = min(least, time.Since(start))
				w.a.Close(now)
			})
			l.close()
		}
		if least > limit {
			t.Errorf("%s: %v", name, least)
		}
	}
}

// What a connected association holds. With application data 8 KB of it are the library's read buffer, and the stacks of its goroutines come on
// top, 2 to 4 KB each; the runtime does not say exactly. Without, the library has gone.
func TestMemoryOfAnAssociation(t *testing.T) {
	for _, tt := range []struct {
		name       string
		limit      int // bytes of heap
		goroutines int
		change     []func(*Config)
	}{
		{"media", 4 << 10, 0, nil},
		{"data", 24 << 10, 4, []func(*Config){withData}},
	} {
		const n = 100
		l := newLoop()
		closeNow(newLoop(), connectNow(t, l, 5)) // pools and tables
		heap, stack := memory()
		goroutines := runtime.NumGoroutine()
		worlds := connectNow(t, l, n, tt.change...)
		// Peers and handshakes are over, but their goroutines may need a moment to return.
		await(t, "the island's goroutines alone", func() bool {
			return runtime.NumGoroutine() <= goroutines+n*tt.goroutines
		})
		heap2, stack2 := memory()
		t.Logf("%s: %d B of heap, %d B of stack", tt.name, (heap2-heap)/n, (stack2-stack)/n)
		if each := (heap2 - heap) / n; each > tt.limit {
			t.Errorf("%s: an association holds %d bytes, want at most %d", tt.name, each, tt.limit)
		}
		closeNow(l, worlds)
	}
}

func memory() (heap, stack int) {
	for range 4 { // stacks shrink by half at a time
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc), int(m.StackInuse)
}

// One handshake with both ends in this process: about twice what a server pays.
func BenchmarkHandshake(b *testing.B) {
	for _, suite := range []struct {
		name string
		gcm  bool
	}{{"ChaCha20", false}, {"GCM", true}} {
		b.Run(suite.name, func(b *testing.B) {
			l := newLoop()
			defer l.close()
			b.ReportAllocs()
			for b.Loop() {
				w := newWorldOn(l, b)
				w.start(Server)
				p := w.connect(Server, peerConfig{gcm: suite.gcm, profiles: []pion.SRTPProtectionProfile{cm80, gcm256, gcm128}})
				<-p.done
				if p.err != nil {
					b.Fatal(p.err)
				}
				w.do(func(now time.Time) { w.a.Close(now) })
				p.close()
			}
		})
	}
}

func BenchmarkGateDrop(b *testing.B) {
	w := newWorld(b)
	defer w.loop.close()
	bad := rawRecord(contentAlert, 0, 5, []byte{2, 40})
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		w.a.Handle(now, bad)
	}
}

func BenchmarkGateForgedHello(b *testing.B) {
	w := newWorld(b)
	defer w.loop.close()
	h := goodHello()
	h.suites, h.pad = []uint16{0}, 1100
	bad := h.datagram()
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		w.a.Handle(now, bad)
	}
}

func BenchmarkSuite(b *testing.B) {
	c := &chacha20{}
	if err := c.Init(make([]byte, 48), make([]byte, 32), make([]byte, 32), true); err != nil {
		b.Fatal(err)
	}
	raw := rawRecord(contentData, 1, 0, make([]byte, 1100))
	b.SetBytes(1100)
	b.ReportAllocs()
	for seq := uint64(0); b.Loop(); seq++ {
		putRecordHeader(raw, contentData, 1<<48|seq, 1100)
		if _, err := c.Encrypt(nil, raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewCertificate(b *testing.B) {
	for b.Loop() {
		if _, err := NewCertificate(rand.Reader, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}
