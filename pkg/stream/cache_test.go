package stream

import (
	"encoding/binary"
	"testing"
	"time"
	"unsafe"

	"gazpacho/pkg/rtp"
	"pgregory.net/rapid"
)

// start is when virtual time begins.
var start = time.Unix(1_700_000_000, 0)

// failer is what tests of both kinds can do.
type failer interface {
	Helper()
	Fatal(args ...any)
}

// view parses a packet of size bytes whose payload repeats its number, in a buffer that poison can spoil.
func view(tb failer, number int64, size int) (p *rtp.Packet, poison func()) {
	tb.Helper()
	raw := make([]byte, max(size, rtp.HeaderSize+8))
	raw[0], raw[1] = 0x80, 96
	binary.BigEndian.PutUint16(raw[2:], uint16(number))
	for at := rtp.HeaderSize; at+8 <= len(raw); at += 8 {
		binary.BigEndian.PutUint64(raw[at:], uint64(number))
	}
	p = new(rtp.Packet)
	if !p.Parse(raw) {
		tb.Fatal("not a packet")
	}
	return p, func() {
		for i := range raw {
			raw[i] = 0xa5
		}
		*p = rtp.Packet{}
	}
}

// intact tells whether a cached packet is the one that was put under a number.
func intact(p *rtp.Packet, number int64) bool {
	if p.SequenceNumber != uint16(number) || binary.BigEndian.Uint16(p.Raw[2:]) != uint16(number) {
		return false
	}
	for at := 0; at+8 <= len(p.Payload); at += 8 {
		if binary.BigEndian.Uint64(p.Payload[at:]) != uint64(number) {
			return false
		}
	}
	return true
}

// put adds a packet and spoils the buffer it came in.
func put(tb failer, c *Cache, now time.Time, number int64, size int) *rtp.Packet {
	tb.Helper()
	p, poison := view(tb, number, size)
	defer poison()
	return c.Put(now, number, p)
}

func TestCacheKeepsWhatItSays(t *testing.T) {
	c := NewCache(2 * time.Second)
	if _, ok := c.Packet(start, 5); ok {
		t.Error("an empty cache has a packet")
	}
	for n := range int64(100) {
		if q := put(t, &c, start, 65500+n, 100); q == nil || !intact(q, 65500+n) {
			t.Fatalf("%d was not put", n)
		}
	}
	if put(t, &c, start, 65550, 100) != nil {
		t.Error("the same number was put twice")
	}
	for n := range int64(100) {
		if q, ok := c.Packet(start, uint16(65500+n)); !ok || !intact(q, 65500+n) {
			t.Errorf("%d is lost", 65500+n)
		}
	}
	if _, ok := c.Packet(start, uint16(65600%65536)); ok {
		t.Error("a packet that was never put")
	}
	if _, ok := c.Packet(start.Add(2*time.Second), 65599%65536); ok {
		t.Error("a packet older than the cache keeps")
	}
}

func TestCacheBounds(t *testing.T) {
	c := NewCache(2 * time.Second)
	const packets = 3 * cacheMaxRing
	for n := range int64(packets) {
		put(t, &c, start, n, 20)
	}
	kept := 0
	for n := range int64(packets) {
		if q, ok := c.Packet(start, uint16(n)); ok {
			if !intact(q, n) {
				t.Fatalf("%d is spoiled", n)
			}
			kept++
		}
	}
	if kept != cacheMaxPackets || len(c.ring) != cacheMaxRing {
		t.Errorf("%d packets are kept in a ring of %d, want %d in %d", kept, len(c.ring), cacheMaxPackets, cacheMaxRing)
	}
	if put(t, &c, start, packets-1-cacheMaxPackets, 20) != nil {
		t.Error("a packet that is too old was put")
	}
}

// Whatever comes in whatever order, what the cache returns is what was put, and everything recent is there.
func TestCacheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const age = 500 * time.Millisecond
		c := NewCache(age)
		now, newest := start, int64(rapid.IntRange(0, 70000).Draw(t, "first"))
		model := map[int64]time.Time{}
		for range rapid.IntRange(1, 600).Draw(t, "packets") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 3, 10, 200}).Draw(t, "pause")) * time.Millisecond)
			number := newest + int64(rapid.SampledFrom([]int{1, 1, 1, 1, 2, 40, 0, -1, -7, -70}).Draw(t, "step"))
			at, known := model[number]
			q := put(t, &c, now, number, rapid.IntRange(20, 1500).Draw(t, "size"))
			switch fresh := known && now.Sub(at) < age; {
			case fresh && q != nil:
				t.Fatalf("%d was put twice", number)
			case !fresh && q == nil && number > newest-cacheMinRing:
				t.Fatalf("%d was not put", number)
			}
			if q != nil {
				model[number] = now
			}
			newest = max(newest, number)
			if rapid.IntRange(0, 30).Draw(t, "trim") == 0 {
				c.Trim(now)
			}
			for number, at := range model {
				q, ok := c.Packet(now, uint16(number))
				if fresh := now.Sub(at) < age && newest-number < cacheMinRing; fresh && !ok {
					t.Fatalf("%d is lost", number)
				}
				if ok && !intact(q, number) {
					t.Fatalf("%d is spoiled", number)
				}
				if ok && now.Sub(at) >= age {
					t.Fatalf("%d is too old", number)
				}
			}
		}
	})
}

func TestCacheAllocatesNothingOnceWarm(t *testing.T) {
	c := NewCache(2 * time.Second)
	p, _ := view(t, 1, 1200)
	now, number := start, int64(0)
	push := func() {
		number++
		now = now.Add(4 * time.Millisecond)
		if c.Put(now, number, p) == nil {
			t.Fatal("not put")
		}
		if number%250 == 0 {
			c.Trim(now)
		}
	}
	for range 5000 {
		push()
	}
	if n := testing.AllocsPerRun(5000, push); n != 0 {
		t.Errorf("%v allocations per packet", n)
	}
}

// A publisher that leaves out numbers cannot make the ring grow: few packets need few slots.
func TestCacheOfASparseStream(t *testing.T) {
	c := NewCache(2 * time.Second)
	now := start
	for n := range int64(500) {
		now = now.Add(100 * time.Millisecond)
		if q := put(t, &c, now, n*2048, 100); q == nil || !intact(q, n*2048) {
			t.Fatalf("%d was not put", n*2048)
		}
	}
	if len(c.ring) > 512 {
		t.Errorf("a ring of %d for 20 packets", len(c.ring))
	}
}

// Memory follows the bitrate up and down.
func TestCacheMemory(t *testing.T) {
	feed := func(c *Cache, now time.Time, number int64, packets, size int, gap time.Duration) (time.Time, int64) {
		for range packets {
			number++
			now = now.Add(gap)
			put(t, c, now, number, size)
			if number%50 == 0 {
				c.Trim(now)
			}
		}
		return now, number
	}
	memory := func(c *Cache) int { return c.bytes + len(c.ring)*int(unsafe.Sizeof(cached{})) }

	audio := NewCache(time.Second)
	feed(&audio, start, 0, 500, 100, 20*time.Millisecond)
	if m := memory(&audio); m > 32<<10 {
		t.Errorf("%d bytes for a second of Opus", m)
	}
	video := NewCache(2 * time.Second)
	now, number := feed(&video, start, 0, 4000, 1200, 2*time.Millisecond) // 4.8 Mbit/s
	if m := memory(&video); m < 1200*1000 || m > 2<<20 {
		t.Errorf("%d bytes for two seconds of 4.8 Mbit/s", m)
	}
	now, _ = feed(&video, now, number, 500, 300, 20*time.Millisecond) // 120 kbit/s
	if m := memory(&video); m > 256<<10 {
		t.Errorf("%d bytes for two seconds of 120 kbit/s", m)
	}
	count, size := 0, 0
	for _, s := range video.slabs {
		count, size = count+s.count, size+len(s.buf)
	}
	if count != video.count || size != video.bytes || len(video.slabs) == 0 || len(video.slabs[len(video.slabs)-1].buf) == 0 {
		t.Errorf("%d packets in %d bytes, accounted for as %d in %d", count, size, video.count, video.bytes)
	}
	video.Trim(now.Add(time.Minute))
	if m := memory(&video); m != 0 {
		t.Errorf("%d bytes for nothing", m)
	}
}
