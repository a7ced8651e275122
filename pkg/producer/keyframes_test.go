package producer

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// asks is when the publisher was asked, and for what.
type asks struct {
	at   []time.Time
	ssrc [][]string
}

// Whatever consumers ask and the publisher answers: it is asked at most twice a second, for each stream at most once at a time, and never
// does anybody wait in vain.
func TestKeyFrameRequests(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := produceVideo(rids()...)
		for i := range o.RTPParameters.Encodings {
			o.RTPParameters.Encodings[i].SSRC = uint32(10 + i)
		}
		delay := rapid.SampledFrom([]int{0, 0, 700, 3000}).Draw(rt, "delay")
		o.KeyFrameRequestDelay = delay
		w := newWorld(t, o)
		var seq [3]uint16
		send := func(i int, payload []byte) {
			w.must(Media, video(uint32(10+i), seq[i], payload))
			seq[i]++
		}
		for i := range seq {
			send(i, delta)
		}
		w.take()
		var sent asks
		note := func() {
			for _, line := range w.take() {
				if rest, ok := strings.CutPrefix(line, "rtcp "); ok {
					sent.at = append(sent.at, w.now)
					sent.ssrc = append(sent.ssrc, strings.Split(rest, ", "))
				}
			}
		}
		waiting := map[int]time.Time{} // since when somebody waits for a key frame of a stream
		// The longest anybody waits for the publisher to be asked: until the interval and the delay are over, or until an earlier request,
		// and the repetition of it, were in vain.
		patience := max(keyFrameInterval, time.Duration(delay)*time.Millisecond) + 2*keyFrameRetry
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			i := rapid.IntRange(0, 2).Draw(rt, "stream")
			switch rapid.SampledFrom([]string{"ask", "ask", "key", "delta", "wait"}).Draw(rt, "step") {
			case "ask":
				w.producer.RequestKeyFrame(w.now, uint32(1000+i))
				if _, already := waiting[i]; !already {
					waiting[i] = w.now
				}
			case "key":
				send(i, keyFrame)
				delete(waiting, i)
			case "delta":
				send(i, delta)
			case "wait":
				for range rapid.IntRange(1, 40).Draw(rt, "ms") {
					w.advance(10 * time.Millisecond)
					note()
				}
			}
			note()
			for i, since := range waiting {
				if w.now.Sub(since) > patience && !sent.has(uint32(10+i), since.Add(-2*keyFrameRetry)) {
					rt.Fatalf("stream %d waits since %v, asked at %v for %v", i, since.Sub(start), sent.at, sent.ssrc)
				}
			}
		}
		for i := range sent.at {
			if i > 0 && sent.at[i].Sub(sent.at[i-1]) < keyFrameInterval {
				rt.Fatalf("asked %v after the last time", sent.at[i].Sub(sent.at[i-1]))
			}
			if n := len(sent.ssrc[i]); n > 3 || strings.Count(strings.Join(sent.ssrc[i], " "), sent.ssrc[i][0]) != 1 {
				rt.Fatalf("asked for %v at once", sent.ssrc[i])
			}
		}
	})
}

// has tells whether a stream was asked for since a time.
func (a *asks) has(ssrc uint32, since time.Time) bool {
	name := "PLI " + string(rune('0'+ssrc/10)) + string(rune('0'+ssrc%10))
	for i, list := range a.ssrc {
		for _, s := range list {
			if s == name && !a.at[i].Before(since) {
				return true
			}
		}
	}
	return false
}

func TestKeyFramesOfUnknownStreams(t *testing.T) {
	w := newWorld(t, produceVideo(rids()...))
	w.producer.RequestKeyFrame(w.now, 1000) // which did not begin
	w.producer.RequestKeyFrame(w.now, 77)
	w.want()
	audio := newWorld(t, produceAudio())
	audio.must(Media, packet{ssrc: 5, pt: opusType, seq: 1, payload: []byte{0xf8, 1, 2, 3}})
	audio.take()
	audio.producer.RequestKeyFrame(w.now, 1000)
	audio.want()
}

// A stream that begins anew was not asked for anything yet.
func TestKeyFramesOfARestartedStream(t *testing.T) {
	w := newWorld(t, produceVideo(single()))
	w.must(Media, video(10, 1, delta))
	w.producer.RequestKeyFrame(w.now, 1000)
	w.advance(600 * time.Millisecond)
	w.must(DropSequence, video(10, 40000, delta))
	w.must(Media, video(10, 40001, delta))
	w.take()
	w.producer.RequestKeyFrame(w.now, 1000)
	w.want("rtcp PLI 10")
}

// What publishers are asked for is counted for all producers that share the counters: key frames by stream, packets each time they are asked for.
func TestRequestsAreCounted(t *testing.T) {
	w := newWorld(t, produceVideo(single()))
	c := w.producer.cfg.Counters
	w.must(Media, video(10, 1, delta))
	w.producer.RequestKeyFrame(w.now, 1000)
	w.producer.RequestKeyFrame(w.now, 1000) // on the way already
	if *c != (Counters{KeyFrames: 1}) {
		t.Errorf("after a key frame was asked for: %+v", *c)
	}
	w.must(Media, video(10, 5, delta))
	w.advance(60 * time.Millisecond)
	if c.NACKs != 3 {
		t.Errorf("after three packets were lost: %+v", *c)
	}
}
