package attack

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"
	"text/tabwriter"
	"time"

	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// figure is a line of the table at the end.
type figure struct{ what, got, limit, verdict string }

var figures []figure

// hold notes a figure and fails the test if it is missed. What depends on how busy the machine is binds only in the long form.
func hold(t *testing.T, ok, timing bool, what, got, limit string) {
	t.Helper()
	verdict := "held"
	if !ok {
		verdict = "missed"
	}
	figures = append(figures, figure{what, got, limit, verdict})
	if !ok && (*long || !timing) {
		t.Errorf("%s: %s, the limit is %s", what, got, limit)
	}
}

// printFigures prints the table in the long form.
func printFigures() {
	if !*long || len(figures) == 0 {
		return
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nfigure\tmeasured\tlimit\t")
	for _, f := range figures {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.what, f.got, f.limit, f.verdict)
	}
	w.Flush()
}

// scaled is a size of the long form, and that of the short one.
func scaled[N any](full, short N) N {
	if *long {
		return full
	}
	return short
}

// "Garbage at 100 kpps on the media port for 30 s: legitimate loss ≤ 0.5 %, p99 added delay ≤ 5 ms, RSS + ≤ 1 MB."
func TestGarbageFigure(t *testing.T) {
	rate, d := scaled(100_000, 10_000), scaled(30*time.Second, time.Second)
	s := newStage(t)
	garbage(rate, 8)(t, s, scaled(5*time.Second, time.Second)) // buffers have been filled once, the heap has its size
	start := s.call.mark()
	time.Sleep(d / 3)
	quiet := s.call.since(start, s.call.mark())
	before := s.snapshot(t)
	did := garbage(rate, 8)(t, s, d)
	noisy := s.call.since(before.mark, s.call.mark())
	s.addsUp(t, before.stats, did)
	growth := s.growthTo(t, before.rss, 1<<20)
	what := fmt.Sprintf("garbage at %d kpps for %v: ", int(float64(did.sent)/d.Seconds()/1000+0.5), d)
	hold(t, noisy.lost <= max(1, int(maxLoss*float64(noisy.sent))), false, what+"loss", fmt.Sprintf("%d of %d", noisy.lost, noisy.sent), "0.5 %")
	hold(t, noisy.p99-quiet.p99 <= 5*time.Millisecond, true, what+"p99 added delay",
		fmt.Sprintf("%v − %v", noisy.p99.Round(10*time.Microsecond), quiet.p99.Round(10*time.Microsecond)), "5 ms")
	hold(t, growth <= 1<<20, true, what+"RSS", fmt.Sprintf("%+d KB", growth>>10), "+1024 KB")
	hold(t, did.answered == 0, false, what+"bytes answered", fmt.Sprint(did.answered), "0")
	if got := float64(did.sent) / d.Seconds(); *long && got < 0.9*float64(rate) {
		t.Errorf("the attacker managed only %.0f a second: the figure says nothing", got)
	}
}

// "10⁶ forged SSRCs: heap + ≤ 64 KiB." The worker is in this process, so that the heap can be collected before it is measured.
func TestForgedSSRCFigure(t *testing.T) {
	count, rate := scaled(1_000_000, 50_000), scaled(50_000, 25_000)
	w := simtest.StartWorker(t)
	path := simtest.NewPath(t, nil)
	alice := simtest.Connect(w, w.Router(), w.Server(), true, simtest.PeerOptions{Path: path})
	alice.Produce(proto.Video)
	alice.WaitConnected()
	r := newNoise()
	b := r.bytes(100, 0x80, 101)
	forged := func() uint64 {
		return simtest.Request[proto.WebRTCTransportStats](w, proto.TransportGetStats, alice.Transport.ID, nil).Drops["srtpAuthentication"]
	}
	send := func(n int) {
		before := forged()
		for sent := uint64(0); sent < uint64(n); {
			for range rate / 100 {
				copy(b[2:], r.bytes(10)) // number, timestamp, SSRC
				path.Inject(b)
				sent++
			}
			time.Sleep(10 * time.Millisecond)
			if sent >= uint64(n) {
				sent = forged() - before // what the system dropped is sent again
			}
		}
	}
	fillPool(func() { path.Inject(b) })
	send(5000)
	// What each SSRC left behind would be left every time; a batch more, of which there is a bounded number, comes once.
	growth := int64(0)
	for round := range 3 {
		before := liveHeap()
		send(count)
		if grew := int64(liveHeap()) - int64(before); round == 0 || grew < growth {
			growth = grew
		}
		if growth <= 64<<10 {
			break
		}
	}
	hold(t, growth <= 64<<10, false, fmt.Sprintf("%d forged SSRCs: heap", count), fmt.Sprintf("%+.1f KiB", float64(growth)/1024), "+64 KiB")
}

// fillPool has the worker take all its batches, of 128 KiB each: with one processor the reader takes what waits in the socket before the loop gives
// anything back.
func fillPool(inject func()) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for range 5 {
		for range 4000 {
			inject()
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// liveHeap is what is left after collecting.
func liveHeap() uint64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// "10,000 unauthenticated STUN requests: 0 bytes answered": for nobody, and for a user whose password is guessed.
func TestSTUNFigure(t *testing.T) {
	const count = 10_000
	s := newStage(t)
	before, r := s.stats(), newNoise()
	guess := r.guess(t, s.alice.Transport.ICEParameters)
	g := newGun(t, s.at, 16)
	for n := range count {
		if n%2 == 0 {
			g.shoot(guess)
		} else {
			g.shoot(r.check(t, fmt.Sprintf("%08x:evil", r.Uint32())))
		}
	}
	g.flush()
	did := tally{sent: g.sent(), counted: []string{"stunIntegrity", "stunBudget", "unknownUsername"}, answered: g.settled()}
	s.addsUp(t, before, did)
	if did.sent != count {
		t.Errorf("%d were sent", did.sent)
	}
	hold(t, did.answered == 0, false, "10,000 unauthenticated STUN requests: bytes answered", fmt.Sprint(did.answered), "0")
}

// "5,000 idle ICE-TCP sockets: a new client still connects in ≤ 1 s." They come from many addresses, for each has 64 places.
func TestIdleConnectionsFigure(t *testing.T) {
	count := scaled(5000, 500)
	s := newStage(t)
	before := s.stats().TCP
	for i := range count {
		c, err := net.DialTCP("tcp4", net.TCPAddrFromAddrPort(loopback(i/50)), net.TCPAddrFromAddrPort(s.tcp))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	await(t, "all are accepted", func() bool { return s.stats().TCP.Accepted-before.Accepted == uint64(count) })
	for _, o := range []simtest.PeerOptions{{}, {TCP: true}} {
		start := time.Now()
		p := simtest.Connect(s.Worker, s.router, s.server, true, o)
		p.Produce(proto.Audio)
		p.WaitConnected()
		took := time.Since(start)
		open := s.stats().TCP.Open
		over := "UDP"
		if o.TCP {
			over = "TCP"
		}
		hold(t, took <= time.Second, true, fmt.Sprintf("%d idle ICE-TCP sockets (%d still open): a client connects over %s", count, open, over),
			took.Round(time.Millisecond).String(), "1 s")
		if open < count {
			t.Logf("%d of them are left", open)
		}
		p.Close()
	}
}
