package dtls

import (
	"testing"
	"time"
)

var t0 = time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)

func TestNextRecord(t *testing.T) {
	good := rawRecord(contentHandshake, 1, 77, []byte("abc"))
	with := func(at int, v ...byte) []byte {
		b := append([]byte(nil), good...)
		copy(b[at:], v)
		return b
	}
	tests := []struct {
		name string
		in   []byte
		ok   bool
		rest int
	}{
		{"DTLS 1.2", good, true, 0},
		{"DTLS 1.0, as a ClientHello may have it", with(1, 0xfe, 0xff), true, 0},
		{"what follows is left", append(with(0), 1, 2, 3), true, 3},
		{"DTLS 1.3 is not a record version", with(1, 0xfe, 0xfc), false, 0},
		{"TLS 1.2", with(1, 0x03, 0x03), false, 0},
		{"version 0", with(1, 0, 0), false, 0},
		{"length 0", with(11, 0, 0), false, 0},
		{"length one beyond", with(11, 0, 4), false, 0},
		{"length beyond RFC 6347", append(with(11, 0x48, 0x01), make([]byte, 1<<15)...), false, 0},
		{"largest length", append(with(11, 0x48, 0x00), make([]byte, maxFragment-3)...), true, 0},
		{"header without fragment", good[:13], false, 0},
		{"half a header", good[:7], false, 0},
		{"nothing", nil, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, rest, ok := nextRecord(tt.in)
			if ok != tt.ok || len(rest) != tt.rest {
				t.Fatalf("ok %v, rest %d, want %v, %d", ok, len(rest), tt.ok, tt.rest)
			}
			if ok && (r.kind != contentHandshake || r.epoch != 1 || string(r.fragment()[:3]) != "abc") {
				t.Errorf("read %+v", r)
			}
		})
	}
}

// R-DTLS-2: "before Finished only types 22 and 20 at epoch 0, anything at epoch 1; after it every epoch-0
// record is dropped but 22 ...; types 21 and 23 at epoch 0 always dropped".
func TestGate(t *testing.T) {
	const (
		ccs, alert, hs, data = contentChangeCipherSpec, contentAlert, contentHandshake, contentData
	)
	tests := []struct {
		kind          uint8
		epoch         uint16
		before, after Drop
	}{
		{ccs, 0, passed, DropLate},
		{alert, 0, DropPlaintextAlert, DropPlaintextAlert},
		{hs, 0, passed, passed},
		{data, 0, DropPlaintextData, DropPlaintextData},
		// The library would believe it without any authentication.
		{ccs, 1, DropContentType, DropContentType},
		{alert, 1, passed, passed},
		{hs, 1, passed, passed},
		{data, 1, passed, passed},
		// "An epoch that cannot exist": there is no renegotiation.
		{hs, 2, DropEpoch, DropEpoch},
		{data, 2, DropEpoch, DropEpoch},
		{alert, 0xffff, DropEpoch, DropEpoch},
		{19, 0, DropContentType, DropContentType},
		{24, 0, DropContentType, DropContentType},
		{24, 1, DropContentType, DropContentType},
		{0, 0, DropContentType, DropContentType},
		{255, 2, DropContentType, DropContentType},
	}
	for _, tt := range tests {
		r, _, ok := nextRecord(rawRecord(tt.kind, tt.epoch, 9, make([]byte, 40)))
		if !ok {
			t.Fatal("record")
		}
		g := gate{data: true}
		if got := g.check(t0, r); got != tt.before {
			t.Errorf("type %d, epoch %d, before Finished: %v, want %v", tt.kind, tt.epoch, got, tt.before)
		}
		g.finish(t0)
		if got := g.check(t0, r); got != tt.after {
			t.Errorf("type %d, epoch %d, after Finished: %v, want %v", tt.kind, tt.epoch, got, tt.after)
		}
		if g.data = false; tt.epoch == 1 && tt.kind == data {
			if got := g.check(t0, r); got != DropData {
				t.Errorf("application data nobody wants: %v", got)
			}
		}
	}
}

// "... 22 (retransmission; ≤ 10/s, 60 s)". What the library is given, protected ones, are half of that.
func TestGateRetransmissions(t *testing.T) {
	for _, tt := range []struct {
		epoch uint16
		rate  int
	}{{0, 10}, {1, 5}} {
		r, _, _ := nextRecord(rawRecord(contentHandshake, tt.epoch, 0, make([]byte, 48)))
		var g gate
		g.finish(t0)
		total := 0
		for ms := range 70_000 { // a thousand a second
			now := t0.Add(time.Duration(ms) * time.Millisecond)
			switch g.check(now, r) {
			case passed:
				total++
				if now.Sub(t0) >= retransmitPeriod {
					t.Fatalf("epoch %d: passed after %v", tt.epoch, now.Sub(t0))
				}
			case DropRetransmission:
			default:
				t.Fatal("dropped for another reason")
			}
		}
		if want := tt.rate * 60; total != want {
			t.Errorf("epoch %d: %d passed, want %d", tt.epoch, total, want)
		}
	}
}

// The two kinds do not use up each other's share: plaintext can be forged by anyone.
func TestGateRetransmissionSharesAreApart(t *testing.T) {
	plain, _, _ := nextRecord(rawRecord(contentHandshake, 0, 0, make([]byte, 48)))
	sealed, _, _ := nextRecord(rawRecord(contentHandshake, 1, 0, make([]byte, 48)))
	var g gate
	g.finish(t0)
	for range 1000 {
		g.check(t0, plain)
	}
	if got := g.check(t0, sealed); got != passed {
		t.Errorf("a Finished was dropped: %v", got)
	}
}

// R-DTLS-4: the library keeps protected handshake records for ever, so they are no larger than a Finished.
func TestGateSizeOfLateHandshake(t *testing.T) {
	var g gate
	large, _, _ := nextRecord(rawRecord(contentHandshake, 1, 0, make([]byte, 49)))
	if got := g.check(t0, large); got != passed {
		t.Errorf("before Finished: %v", got)
	}
	g.finish(t0)
	if got := g.check(t0, large); got != DropLate {
		t.Errorf("after Finished: %v, want %v", got, DropLate)
	}
}

func TestGateDoesNotAllocate(t *testing.T) {
	w := newWorld(t)
	defer w.loop.close()
	bad := rawRecord(contentAlert, 0, 5, []byte{2, 40})
	if n := testing.AllocsPerRun(100, func() { w.a.Handle(t0, bad) }); n != 0 {
		t.Errorf("%v allocations for a dropped datagram", n)
	}
}

func TestDropNames(t *testing.T) {
	seen := map[string]bool{}
	for d := range numDrops {
		if d.String() == "" || seen[d.String()] {
			t.Errorf("reason %d is called %q", d, d)
		}
		seen[d.String()] = true
	}
	var c Counters
	c.count(DropEpoch)
	c.count(DropEpoch)
	c.unread.Add(3)
	c.unposted.Add(4)
	c.Each(func(d Drop, n uint64) {
		if n != map[Drop]uint64{DropEpoch: 2, DropUnread: 3, DropUnposted: 4}[d] {
			t.Errorf("%v: %d", d, n)
		}
	})
	if DropEpoch.Error() != "dtls: dropped: epoch" {
		t.Errorf("%q", DropEpoch.Error())
	}
}

func TestOrderOfHandshakeMessages(t *testing.T) {
	tests := []struct {
		name string
		role Role
		in   []uint8
		ok   int // how many are accepted
		done bool
	}{
		{"client's flight", Server, []uint8{1, 11, 16, 15}, 4, true},
		{"client without certificate", Server, []uint8{1, 16}, 1, false},
		{"client without proof", Server, []uint8{1, 11, 16}, 3, false},
		{"server's messages from a client", Server, []uint8{1, 2}, 1, false},
		{"twice", Server, []uint8{1, 11, 11}, 2, false},
		{"after the end", Server, []uint8{1, 11, 16, 15, 11}, 4, true},
		{"server's flight", Client, []uint8{2, 11, 12, 13, 14}, 5, true},
		{"after HelloVerifyRequest", Client, []uint8{3, 2, 11, 12, 13, 14}, 6, true},
		{"after two", Client, []uint8{3, 3, 2, 11, 12, 14}, 6, true},
		{"without CertificateRequest", Client, []uint8{2, 11, 12, 14}, 4, true},
		{"without certificate", Client, []uint8{2, 12}, 1, false},
		{"HelloVerifyRequest late", Client, []uint8{2, 3}, 1, false},
		{"ClientHello from a server", Client, []uint8{1}, 0, false},
		{"NewSessionTicket", Client, []uint8{2, 11, 12, 14, 4}, 4, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := flight{role: tt.role}
			in := tt.in
			n := 0
			if tt.role == Server { // the ClientHello is what makes the attempt
				f.last, n = in[0], 1
			}
			for n < len(in) && f.accepts(in[n]) {
				f.last = in[n]
				n++
			}
			if n != tt.ok || f.complete() != tt.done {
				t.Errorf("%d accepted, complete %v, want %d, %v", n, f.complete(), tt.ok, tt.done)
			}
		})
	}
}
