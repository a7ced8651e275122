package dtls

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func frag(seq uint16, length, from, to int) fragment {
	return fragment{kind: typeCertificate, seq: seq, length: length, offset: from, data: pattern(seq, length)[from:to]}
}

// pattern is the body of a message, told from others by its bytes.
func pattern(seq uint16, length int) []byte {
	b := make([]byte, length)
	for i := range b {
		b[i] = byte(i*7) ^ byte(seq*31)
	}
	return b
}

func TestNextFragment(t *testing.T) {
	two := append(rawMessage(typeCertificate, 1, []byte("abc")), rawMessage(typeServerHelloDone, 2, nil)...)
	f, rest, ok := nextFragment(two)
	if !ok || f.kind != typeCertificate || f.seq != 1 || f.length != 3 || f.offset != 0 || string(f.data) != "abc" {
		t.Errorf("first: %+v, %v", f, ok)
	}
	f, rest, ok = nextFragment(rest)
	if !ok || f.kind != typeServerHelloDone || f.seq != 2 || f.length != 0 || len(f.data) != 0 || len(rest) != 0 {
		t.Errorf("second: %+v, %v", f, ok)
	}
	for name, bad := range map[string][]byte{
		"nothing":               nil,
		"half a header":         two[:11],
		"data missing":          two[:14],
		"beyond the message":    {11, 0, 0, 4, 0, 1, 0, 0, 3, 0, 0, 2, 1, 2},
		"empty piece":           {11, 0, 0, 4, 0, 1, 0, 0, 0, 0, 0, 0},
		"offset alone beyond":   {11, 0, 0, 4, 0, 1, 0xff, 0xff, 0xff, 0, 0, 1, 1},
		"length of the largest": {11, 0, 0, 1, 0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 1},
	} {
		if f, _, ok := nextFragment(bad); ok {
			t.Errorf("%s: read %+v", name, f)
		}
	}
}

func TestReassembler(t *testing.T) {
	type step struct {
		f    fragment
		want Drop
	}
	other := frag(0, 10, 0, 4)
	other.kind = typeServerHello
	tests := []struct {
		name  string
		steps []step
		done  bool
	}{
		{"one piece", []step{{frag(0, 10, 0, 10), passed}}, true},
		{"empty message", []step{{frag(0, 0, 0, 0), passed}}, true},
		{"two pieces", []step{{frag(0, 10, 0, 4), passed}, {frag(0, 10, 4, 10), passed}}, true},
		{"two pieces backwards", []step{{frag(0, 10, 4, 10), passed}, {frag(0, 10, 0, 4), passed}}, true},
		{"overlapping", []step{{frag(0, 10, 0, 6), passed}, {frag(0, 10, 3, 10), passed}}, true},
		{"a gap", []step{{frag(0, 10, 0, 4), passed}, {frag(0, 10, 5, 10), passed}}, false},
		{"the middle twice", []step{{frag(0, 10, 3, 6), passed}, {frag(0, 10, 3, 6), passed}}, false},
		{"after it is whole", []step{{frag(0, 10, 0, 10), passed}, {frag(0, 10, 0, 10), DropDuplicate}}, true},
		{"the past", []step{{frag(0xffff, 10, 0, 10), DropDuplicate}}, false},
		{"the far future", []step{{frag(maxMessages, 10, 0, 10), DropFragment}}, false},
		{"too large", []step{{frag(0, maxMessage+1, 0, 1), DropFragment}}, false},
		{"as large as allowed", []step{{frag(0, maxMessage, 0, maxMessage), passed}}, true},
		// The peer repeats itself, a forger has to be lucky: newer wins.
		{"another type", []step{{frag(0, 10, 4, 10), passed}, {other, passed}, {frag(0, 10, 0, 10), passed}}, true},
		{"another length", []step{{frag(0, 99, 0, 4), passed}, {frag(0, 10, 0, 10), passed}}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r reassembler
			for i, s := range tt.steps {
				if got := r.add(s.f); got != s.want {
					t.Errorf("step %d: %v, want %v", i, got, s.want)
				}
			}
			p, done := r.front()
			if done != tt.done {
				t.Fatalf("complete %v, want %v", done, tt.done)
			}
			if !done {
				return
			}
			last := tt.steps[0].f
			if len(tt.steps) > 1 {
				last = tt.steps[len(tt.steps)-1].f
			}
			if want := rawMessage(typeCertificate, 0, pattern(0, last.length)); !bytes.Equal(p.raw, want) {
				t.Errorf("message %x, want %x", p.raw, want)
			}
			r.advance()
			if _, done := r.front(); done || r.next != 1 || r.memory() != 0 {
				t.Error("the message came twice")
			}
		})
	}
}

// R-DTLS-4: "Handshake memory ≤ 64 KiB per association".
func TestReassemblerMemory(t *testing.T) {
	var r reassembler
	r.next = 5
	full := 0
	for ahead := maxMessages - 1; ahead > 0; ahead-- {
		if r.add(frag(5+uint16(ahead), maxMessage, 0, 1)) == DropMemory {
			full++
		}
		if r.memory() > maxMemory {
			t.Fatalf("%d bytes", r.memory())
		}
	}
	if r.memory() < maxMessage || full != 0 {
		t.Errorf("%d bytes, %d refused: nearer messages push out those further ahead", r.memory(), full)
	}
	if got := r.add(frag(12, maxMessage, 0, 1)); got != DropMemory {
		t.Errorf("the furthest found room: %v", got)
	}
	// Whatever came before, the message that is due finds room.
	if got := r.add(frag(5, maxMessage, 0, maxMessage)); got != passed {
		t.Errorf("due, but %v", got)
	}
	if p, ok := r.front(); !ok || !bytes.Equal(p.body(), pattern(5, maxMessage)) {
		t.Error("the message that is due is not there")
	}
}

// R-DTLS-4: "≤ 32 out-of-order fragments".
func TestReassemblerPieces(t *testing.T) {
	var r reassembler
	for i := range 40 {
		want := passed
		if i >= maxPieces {
			want = DropMemory
		}
		if got := r.add(frag(0, 100, 2*i, 2*i+1)); got != want {
			t.Errorf("piece %d: %v, want %v", i, got, want)
		}
	}
	if got := r.add(frag(1, 100, 0, 1)); got != DropMemory {
		t.Errorf("another message's piece: %v", got)
	}
	// What closes a gap needs no room.
	if got := r.add(frag(0, 100, 1, 2)); got != passed {
		t.Errorf("a piece that joins two: %v", got)
	}
	if got := r.add(frag(0, 100, 0, 100)); got != passed {
		t.Errorf("the whole message: %v", got)
	}
	if _, ok := r.front(); !ok {
		t.Error("not complete")
	}
}

// Messages cut anyhow, in any order, some twice, come out whole and in order.
func TestReassemblerGivesBackMessages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []fragment
		sizes := rapid.SliceOfN(rapid.IntRange(0, 3000), 1, 5).Draw(t, "sizes")
		first := rapid.Uint16().Draw(t, "first")
		for i, size := range sizes {
			seq := first + uint16(i)
			for from := 0; ; {
				to := min(size, from+rapid.IntRange(1200, 1400).Draw(t, "piece"))
				all = append(all, frag(seq, size, from, to))
				if from = to; from == size {
					break
				}
			}
		}
		all = append(all, rapid.SliceOfN(rapid.SampledFrom(all), 0, 10).Draw(t, "again")...)
		all = rapid.Permutation(all).Draw(t, "order")
		r := reassembler{next: first}
		var got [][]byte
		for _, f := range all {
			r.add(f)
			for p, ok := r.front(); ok; p, ok = r.front() {
				got = append(got, slices.Clone(p.body()))
				r.advance()
			}
		}
		if len(got) != len(sizes) {
			t.Fatalf("%d messages, want %d", len(got), len(sizes))
		}
		for i, b := range got {
			if !bytes.Equal(b, pattern(first+uint16(i), sizes[i])) {
				t.Fatalf("message %d differs", i)
			}
		}
		if r.memory() != 0 {
			t.Fatalf("%d bytes are left", r.memory())
		}
	})
}
