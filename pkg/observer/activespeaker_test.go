package observer

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gazpacho/pkg/producer"
	"gazpacho/pkg/rtp"
	"gazpacho/pkg/timer"
	"gazpacho/proto"
)

// talk is an ActiveSpeaker with producers that send packets at a pace of their own.
type talk struct {
	t       *testing.T
	now     time.Time
	timers  timer.Queue
	speaker *ActiveSpeaker
	taps    map[string]*Tap
	voices  map[string]voice
	journal []string
}

// voice is what a producer sends: a level every so often, nothing if pace is 0.
type voice struct {
	level uint8
	pace  time.Duration
	next  time.Time
}

func (k *talk) Emit(target string, e proto.Event) {
	if target != "o" || e.Name != proto.EventDominantSpeaker {
		k.t.Errorf("%s of %q", e.Name, target)
	}
	k.journal = append(k.journal, fmt.Sprintf("%d ms: %s", k.now.Sub(start).Milliseconds(), e.Body.(proto.DominantSpeaker).ProducerID))
}

func newTalk(t *testing.T, interval *int, producers ...string) *talk {
	k := &talk{t: t, now: start, taps: map[string]*Tap{}, voices: map[string]voice{}}
	k.speaker = NewActiveSpeaker(start, &proto.CreateActiveSpeakerObserver{RTPObserverID: "o", Interval: interval}, &k.timers, k)
	for _, id := range producers {
		k.add(source{id: id, kind: proto.Audio})
	}
	return k
}

func (k *talk) add(s source) {
	tap, err := k.speaker.AddProducer(k.now, s)
	if err != nil {
		k.t.Fatal(err)
	}
	k.taps[s.id] = tap
}

// say sets how a producer sounds from now on, in packets of 20 ms.
func (k *talk) say(id string, level uint8) { k.pace(id, level, 20*time.Millisecond) }

func (k *talk) pace(id string, level uint8, pace time.Duration) {
	k.voices[id] = voice{level: level, pace: pace, next: k.now}
}

// hush makes a producer send nothing.
func (k *talk) hush(id string) { delete(k.voices, id) }

func (k *talk) packet(id string, level uint8) {
	var p rtp.Packet
	if !p.Parse([]byte{0x90, 111, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0, 1, levelID << 4, 0x80 | level, 0, 0, 1}) {
		k.t.Fatal("not a packet")
	}
	p.Resolve(&ids)
	k.taps[id].ProducerPacket(k.now, &p)
}

// pass lets time pass in steps of a millisecond.
func (k *talk) pass(d time.Duration) {
	for until := k.now.Add(d); k.now.Before(until); {
		k.now = k.now.Add(time.Millisecond)
		for id, v := range k.voices {
			if !k.now.Before(v.next) {
				k.packet(id, v.level)
				v.next = v.next.Add(v.pace)
				k.voices[id] = v
			}
		}
		k.timers.Advance(k.now)
	}
}

func (k *talk) want(lines ...string) {
	k.t.Helper()
	if !slices.Equal(k.journal, lines) {
		k.t.Errorf("%q, want %q", k.journal, lines)
	}
	k.journal = nil
}

// dominant is who was told last.
func (k *talk) dominant() string {
	if k.speaker.dominant == nil {
		return ""
	}
	return k.speaker.dominant.id
}

// The formula of the paper, by hand: Φ(v) = log C(n,v) + n log 0.5 - log λ + λ v.
func TestActivityScores(t *testing.T) {
	for _, tt := range []struct {
		scores []float64
		v      int
		want   float64
	}{
		{stepScores, 0, leastScore},
		{stepScores, 13, 13*math.Log(0.5) - math.Log(0.78) + 0.78*13},
		{stepScores, 9, math.Log(715) + 13*math.Log(0.5) - math.Log(0.78) + 0.78*9},
		{wordScores, 0, leastScore},
		{wordScores, 2, math.Log(10) + 5*math.Log(0.5) - math.Log(24) + 48},
		{sentenceScores, 10, 10*math.Log(0.5) - math.Log(47) + 470},
	} {
		if got := tt.scores[tt.v]; math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%d of %d: %v, want %v", tt.v, len(tt.scores)-1, got, tt.want)
		}
	}
	for _, scores := range [][]float64{wordScores, sentenceScores} {
		for v := range len(scores) - 1 {
			if scores[v+1] < scores[v] {
				t.Errorf("of %d, %d weigh less than %d", len(scores)-1, v+1, v)
			}
		}
	}
	if silence != (activity{leastScore, leastScore, leastScore}) {
		t.Errorf("silence is %v", silence)
	}
}

func TestSpeakerIntervalIsClamped(t *testing.T) {
	for given, want := range map[int]time.Duration{0: 100, 99: 100, 300: 300, 5000: 5000, 5001: 5000, -1: 100} {
		if got := newTalk(t, number(given)).timers.Next().Sub(start); got != want*time.Millisecond {
			t.Errorf("%d ms became %v", given, got)
		}
	}
	if got := newTalk(t, nil).timers.Next().Sub(start); got != 300*time.Millisecond {
		t.Errorf("%v by default", got)
	}
}

// One speaks, then another, while a third coughs and a fourth hums quietly all the time.
func TestTurnsAreTaken(t *testing.T) {
	k := newTalk(t, nil, "a", "b", "coughs", "hums")
	k.say("hums", 70)
	k.say("a", 127)
	k.say("b", 127)
	k.pass(3 * time.Second)
	k.want() // nobody spoke
	k.say("a", 25)
	k.pass(2 * time.Second)
	k.want("3300 ms: a")
	// A pause in which nobody else speaks changes nothing, nor does a cough of less than a word.
	k.say("a", 127)
	k.pass(500 * time.Millisecond)
	k.say("coughs", 5)
	k.pass(60 * time.Millisecond)
	k.hush("coughs")
	k.pass(3 * time.Second)
	k.want()
	k.say("b", 30)
	k.pass(time.Second)
	k.want("8700 ms: b")
	// Who interrupts has to wait for a pause.
	k.say("a", 20)
	k.pass(3 * time.Second)
	k.want()
	k.say("b", 127)
	k.pass(2 * time.Second)
	if k.dominant() != "a" || len(k.journal) != 1 {
		t.Errorf("%q", k.journal)
	}
}

// Packets of 10, 40, 60 or 100 ms, or with silence left out, are heard like those of 20 ms.
func TestPaceDoesNotMatter(t *testing.T) {
	for _, pace := range []time.Duration{10, 20, 40, 60, 100} {
		k := newTalk(t, nil, "a", "b")
		k.pace("a", 30, pace*time.Millisecond)
		k.pass(1500 * time.Millisecond)
		k.hush("a") // discontinuous transmission
		k.pace("b", 30, pace*time.Millisecond)
		k.pass(3 * time.Second)
		if len(k.journal) != 2 || k.dominant() != "b" {
			t.Errorf("packets of %d ms: %q", pace, k.journal)
		}
	}
}

// A constant noise above the limit is heard only until it is known to be one; who speaks above it is heard.
func TestNoiseFloor(t *testing.T) {
	k := newTalk(t, nil, "noise", "a")
	k.say("noise", 40)
	k.pass(31 * time.Second)
	if k.dominant() != "noise" {
		t.Errorf("%q", k.journal)
	}
	k.journal = nil
	k.say("a", 30)
	k.pass(time.Second)
	if k.dominant() != "a" {
		t.Error("noise outdoes speech")
	}
	k.hush("a")
	k.pass(2 * time.Second)
	if k.dominant() != "a" {
		t.Error("noise took over")
	}
	k.say("noise", 15) // somebody speaks there
	k.pass(2 * time.Second)
	if k.dominant() != "noise" {
		t.Error("speech above the noise is not heard")
	}
}

func TestSpeakersComeAndGo(t *testing.T) {
	k := newTalk(t, nil, "a", "b")
	if _, err := k.speaker.AddProducer(k.now, source{id: "v", kind: proto.Video}); err == nil || err.Code != proto.CodeBadField {
		t.Errorf("a video producer: %v", err)
	}
	if _, err := k.speaker.AddProducer(k.now, source{id: "a", kind: proto.Audio}); err == nil || err.Code != proto.CodeDuplicate {
		t.Errorf("the same producer: %v", err)
	}
	k.add(source{id: "p", kind: proto.Audio, paused: true})
	k.say("p", 10)
	k.say("a", 20)
	k.pass(time.Second)
	k.want("300 ms: a")
	// One that is gone is not dominant any more, and is told of again when it is back and speaks.
	if tap, err := k.speaker.RemoveProducer(k.now, "a"); err != nil || tap != k.taps["a"] {
		t.Fatalf("removed %v, %v", tap, err)
	}
	k.hush("a")
	k.say("b", 20)
	k.pass(time.Second)
	k.add(source{id: "a", kind: proto.Audio})
	k.taps["b"].ProducerClosed(k.now)
	k.taps["b"].ProducerClosed(k.now)
	k.hush("b")
	k.say("a", 20)
	k.pass(time.Second)
	k.taps["a"].ProducerPaused(k.now)
	k.taps["p"].ProducerResumed(k.now)
	k.pass(time.Second)
	k.want("1200 ms: b", "2100 ms: a", "3300 ms: p")
	if got := k.speaker.Producers(); !slices.Equal(got, []string{"p", "a"}) || k.speaker.ID() != "o" {
		t.Errorf("%q", got)
	}
}

func TestSpeakerPauses(t *testing.T) {
	k := newTalk(t, nil, "a", "b")
	k.say("a", 20)
	k.pass(time.Second)
	k.speaker.Pause(k.now)
	k.speaker.Pause(k.now)
	k.hush("a")
	k.say("b", 20)
	k.pass(3 * time.Second)
	k.want("300 ms: a")
	if k.timers.Next() != (time.Time{}) {
		t.Error("a paused observer waits for something")
	}
	k.speaker.Resume(k.now)
	k.speaker.Resume(k.now)
	k.pass(time.Second)
	k.want("4300 ms: b")
	k.speaker.Close(k.now)
	k.speaker.Pause(k.now)
	k.speaker.Resume(k.now)
	if k.timers.Len() != 0 {
		t.Errorf("%d timers are left", k.timers.Len())
	}
}

// Whatever is heard, an event names a producer that is there and is not the one before, and that spoke within the last second.
func TestDominanceIsSound(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	k := newTalk(t, nil, "a", "b", "c", "d")
	last, spoke := "", map[string]time.Time{}
	for range 20_000 {
		id := string("abcd"[rnd.IntN(4)])
		switch rnd.IntN(40) {
		case 0:
			k.taps[id].ProducerPaused(k.now)
		case 1:
			k.taps[id].ProducerResumed(k.now)
		default:
			level := uint8(rnd.IntN(128))
			k.packet(id, level)
			if level < 127-bandWidth*loudStep {
				spoke[id] = k.now
			}
		}
		k.pass(time.Duration(rnd.IntN(8)) * time.Millisecond)
		for _, line := range k.journal {
			var ms int
			var who string
			if _, err := fmt.Sscanf(line, "%d ms: %s", &ms, &who); err != nil {
				t.Fatal(err)
			}
			if who == last || k.now.Sub(spoke[who]) > time.Second {
				t.Fatalf("%s after %s, who spoke %v ago", line, last, k.now.Sub(spoke[who]))
			}
			last = who
		}
		k.journal = nil
	}
	if last == "" {
		t.Error("nobody was ever dominant")
	}
}

func TestHearingAllocatesNothing(t *testing.T) {
	k := newTalk(t, nil, "a", "b")
	var p rtp.Packet
	if !p.Parse([]byte{0x90, 111, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0, 1, levelID << 4, 0x80 | 20, 0, 0, 1}) {
		t.Fatal("not a packet")
	}
	p.Resolve(&ids)
	if n := testing.AllocsPerRun(1000, func() {
		k.now = k.now.Add(20 * time.Millisecond)
		k.taps["a"].ProducerPacket(k.now, &p)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkActiveSpeaker(b *testing.B) {
	now := start
	s := newSpeech(now).(*speech)
	for b.Loop() {
		now = now.Add(20 * time.Millisecond)
		s.hear(now, 30)
		s.activity(now)
	}
}

var _ producer.Tap = (*Tap)(nil)
