package observer

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/timer"
	"gazpacho/proto"
)

// start is when virtual time begins.
var start = time.Unix(1_700_000_000, 0)

// levelID is the id of the audio level extension in tests.
const levelID = 6

var ids = rtp.ExtensionIDs{rtp.ExtAudioLevel: levelID}

// source is a producer as the observer sees it.
type source struct {
	id, kind string
	paused   bool
}

func (s source) ID() string   { return s.id }
func (s source) Kind() string { return s.kind }
func (s source) Paused() bool { return s.paused }

// room is an observer with producers, and a journal of what it says.
type room struct {
	t       *testing.T
	now     time.Time
	timers  timer.Queue
	levels  *AudioLevels
	taps    map[string]*Tap
	journal []string
}

func (r *room) Emit(target string, e proto.Event) {
	if target != "o" {
		r.t.Errorf("event of %q", target)
	}
	r.journal = append(r.journal, fmt.Sprintf("%d ms: %s %v", r.now.Sub(start).Milliseconds(), e.Name, e.Body))
}

func newRoom(t *testing.T, o proto.CreateAudioLevelObserver, producers ...string) *room {
	t.Helper()
	r := &room{t: t, now: start, taps: map[string]*Tap{}}
	o.RTPObserverID = "o"
	var err *proto.Error
	if r.levels, err = NewAudioLevels(start, &o, &r.timers, r); err != nil {
		t.Fatal(err)
	}
	for _, id := range producers {
		r.add(source{id: id, kind: proto.Audio})
	}
	return r
}

func (r *room) add(s source) {
	tap, err := r.levels.AddProducer(r.now, s)
	if err != nil {
		r.t.Fatal(err)
	}
	r.taps[s.id] = tap
}

// speak sends packets of a level, in -dBov, through a producer's tap.
func (r *room) speak(id string, level uint8, packets int) {
	raw := []byte{0x90, 111, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0, 1, levelID << 4, 0x80 | level, 0, 0, 1}
	for range packets {
		var p rtp.Packet
		if !p.Parse(raw) {
			r.t.Fatal("not a packet")
		}
		p.Resolve(&ids)
		r.taps[id].ProducerPacket(r.now, &p)
	}
}

func (r *room) advance(d time.Duration) {
	until := r.now.Add(d)
	for next := r.timers.Next(); !next.IsZero() && !next.After(until); next = r.timers.Next() {
		r.now = next
		r.timers.Advance(next)
	}
	r.now = until
}

func (r *room) want(lines ...string) {
	r.t.Helper()
	if !slices.Equal(r.journal, lines) {
		r.t.Errorf("%q, want %q", r.journal, lines)
	}
	r.journal = nil
}

func number(n int) *int { return &n }

func TestNewRefuses(t *testing.T) {
	for _, o := range []proto.CreateAudioLevelObserver{
		{MaxEntries: number(0)}, {MaxEntries: number(-10)}, {Threshold: number(1)}, {Threshold: number(-128)},
	} {
		if _, err := NewAudioLevels(start, &o, &timer.Queue{}, &room{}); err == nil || err.Name != proto.TypeErrorName {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestIntervalIsClamped(t *testing.T) {
	for given, want := range map[int]time.Duration{0: 250, 249: 250, 250: 250, 777: 777, 5000: 5000, 60000: 5000, -1: 250} {
		r := newRoom(t, proto.CreateAudioLevelObserver{Interval: number(given)})
		if got := r.timers.Next().Sub(start); got != want*time.Millisecond {
			t.Errorf("%d ms became %v", given, got)
		}
	}
	if got := newRoom(t, proto.CreateAudioLevelObserver{}).timers.Next().Sub(start); got != time.Second {
		t.Errorf("%v by default", got)
	}
}

func TestLoudestAreTold(t *testing.T) {
	r := newRoom(t, proto.CreateAudioLevelObserver{MaxEntries: number(2)}, "a", "b", "c", "d")
	r.speak("a", 40, 20)
	r.speak("b", 20, 10)
	r.speak("b", 30, 10)
	r.speak("c", 30, 20)
	r.speak("d", 1, 9) // too few packets to tell
	r.advance(time.Second)
	r.want("1000 ms: audioLevelObserver.volumes [{b -25} {c -30}]")
	// Every interval begins anew.
	r.speak("a", 80, 10)
	r.speak("b", 81, 10)
	r.advance(time.Second)
	r.want("2000 ms: audioLevelObserver.volumes [{a -80}]")
	// Silence is told once.
	r.speak("b", 127, 50)
	r.advance(3 * time.Second)
	r.want("3000 ms: audioLevelObserver.silence <nil>")
	r.speak("a", 0, 10)
	r.advance(2 * time.Second)
	r.want("6000 ms: audioLevelObserver.volumes [{a 0}]", "7000 ms: audioLevelObserver.silence <nil>")
}

func TestSilenceIsNotToldAtFirst(t *testing.T) {
	r := newRoom(t, proto.CreateAudioLevelObserver{Threshold: number(-50)}, "a")
	r.speak("a", 51, 50)
	r.advance(5 * time.Second)
	r.want()
}

func TestPause(t *testing.T) {
	r := newRoom(t, proto.CreateAudioLevelObserver{}, "a")
	r.speak("a", 10, 10)
	r.advance(time.Second)
	r.speak("a", 10, 10)
	r.levels.Pause(r.now)
	r.levels.Pause(r.now)
	r.want("1000 ms: audioLevelObserver.volumes [{a -10}]", "1000 ms: audioLevelObserver.silence <nil>")
	r.speak("a", 10, 10)
	r.advance(5 * time.Second)
	r.want()
	r.levels.Resume(r.now)
	r.levels.Resume(r.now)
	r.speak("a", 12, 10)
	r.advance(time.Second)
	r.want("7000 ms: audioLevelObserver.volumes [{a -12}]")
	r.levels.Close(r.now)
	r.levels.Pause(r.now)
	r.levels.Resume(r.now)
	r.advance(5 * time.Second)
	r.want()
	if r.timers.Len() != 0 {
		t.Errorf("%d timers are left", r.timers.Len())
	}
}

func TestProducersComeAndGo(t *testing.T) {
	r := newRoom(t, proto.CreateAudioLevelObserver{MaxEntries: number(9)}, "a", "b", "c", "d")
	if _, err := r.levels.AddProducer(r.now, source{id: "v", kind: proto.Video}); err == nil || err.Name != proto.TypeErrorName {
		t.Errorf("a video producer: %v", err)
	}
	if _, err := r.levels.AddProducer(r.now, source{id: "a", kind: proto.Audio}); err == nil || err.Code != proto.CodeDuplicate {
		t.Errorf("the same producer: %v", err)
	}
	r.add(source{id: "p", kind: proto.Audio, paused: true})
	if got := r.levels.Producers(); !slices.Equal(got, []string{"a", "b", "c", "d", "p"}) || r.levels.ID() != "o" {
		t.Errorf("%q", got)
	}
	for _, id := range []string{"a", "b", "c", "d", "p"} {
		r.speak(id, 10, 10)
	}
	// One that paused, was removed or closed is forgotten with all it said.
	r.taps["b"].ProducerPaused(r.now)
	if tap, err := r.levels.RemoveProducer(r.now, "c"); err != nil || tap != r.taps["c"] {
		t.Errorf("removed %v, %v", tap, err)
	}
	if _, err := r.levels.RemoveProducer(r.now, "c"); err == nil || err.Name != proto.NotFoundErrorName {
		t.Errorf("removed again: %v", err)
	}
	r.taps["d"].ProducerClosed(r.now)
	r.taps["d"].ProducerClosed(r.now)
	r.advance(time.Second)
	r.want("1000 ms: audioLevelObserver.volumes [{a -10}]")
	r.taps["b"].ProducerResumed(r.now)
	r.taps["p"].ProducerResumed(r.now)
	r.taps["b"].ProducerStream(r.now, 1)
	r.taps["b"].ProducerScore(r.now)
	r.speak("b", 30, 10)
	r.speak("p", 20, 10)
	r.advance(time.Second)
	r.want("2000 ms: audioLevelObserver.volumes [{p -20} {b -30}]")
}

func TestPacketsWithoutLevelSayNothing(t *testing.T) {
	r := newRoom(t, proto.CreateAudioLevelObserver{}, "a")
	var p rtp.Packet
	if !p.Parse([]byte{0x80, 111, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1}) {
		t.Fatal("not a packet")
	}
	for range 50 {
		r.taps["a"].ProducerPacket(r.now, &p)
	}
	r.advance(time.Second)
	r.want()
	if n := testing.AllocsPerRun(100, func() { r.taps["a"].ProducerPacket(r.now, &p) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
