package producer

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/simtest/golden"
	"gazpacho/proto"
)

// TestScripts runs the commands of each script and compares what happens with what stands indented below them.
func TestScripts(t *testing.T) {
	golden.Scripts(t, "testdata/*.txt", func(t *testing.T, script string) []byte {
		var out bytes.Buffer
		s := &scenario{t: t, out: &out}
		golden.Play(&out, script, s.run)
		return out.Bytes()
	})
}

// scenario is a producer under a script.
type scenario struct {
	t   *testing.T
	out *bytes.Buffer
	w   *world
	seq [16]uint16 // of each stream
}

func (s *scenario) number(word string) int {
	n, err := strconv.Atoi(word)
	if err != nil {
		s.t.Fatalf("%q is no number", word)
	}
	return n
}

// run obeys one command:
//
//	produce [fir] [none] [delay=ms] [streams=n]  begin, with a packet on every stream 0 …
//	at ms                                        let time pass, timers included
//	ask stream …                                 a consumer asks for key frames
//	key stream | delta stream                    a packet comes
//	pause | resume
func (s *scenario) run(command string, args []string) {
	switch command {
	case "produce":
		s.produce(args)
	case "at":
		s.at(s.number(args[0]))
	case "ask":
		for _, a := range args {
			s.w.producer.RequestKeyFrame(s.w.now, uint32(1000+s.number(a)))
		}
	case "key", "delta":
		payload := map[string][]byte{"key": keyFrame, "delta": delta}[command]
		i := s.number(args[0])
		s.seq[i]++
		s.w.must(Media, video(uint32(10+i), s.seq[i], payload))
	case "pause":
		s.w.producer.Pause(s.w.now)
	case "resume":
		s.w.producer.Resume(s.w.now)
	default:
		s.t.Fatalf("no command %q", command)
	}
	s.flush()
}

func (s *scenario) flush() {
	for _, line := range s.w.take() {
		if strings.HasPrefix(line, "rtcp ") {
			fmt.Fprintf(s.out, "\t%5d ms: %s\n", s.w.now.Sub(start).Milliseconds(), strings.TrimPrefix(line, "rtcp "))
		}
	}
}

func (s *scenario) produce(args []string) {
	streams := 1
	o := produceVideo(single())
	for _, a := range args {
		switch name, value, _ := strings.Cut(a, "="); name {
		case "streams":
			streams = s.number(value)
			list := make([]proto.RTPEncodingParameters, streams)
			for i := range list {
				list[i].SSRC = uint32(10 + i)
			}
			o = produceVideo(list...)
		case "delay":
			o.KeyFrameRequestDelay = s.number(value)
		case "fir":
			o.RTPParameters.Codecs[0].RTCPFeedback = o.RTPParameters.Codecs[0].RTCPFeedback[2:]
		case "none":
			o.RTPParameters.Codecs[0].RTCPFeedback = nil
		}
	}
	s.w = newWorld(s.t, o)
	for i := range streams {
		s.w.must(Media, video(uint32(10+i), 0, delta))
	}
	s.seq = [16]uint16{}
	s.w.take()
}

// at runs timers one by one, so that what they do is told with its time.
func (s *scenario) at(ms int) {
	until := start.Add(time.Duration(ms) * time.Millisecond)
	for next := s.w.timers.Next(); !next.IsZero() && !next.After(until); next = s.w.timers.Next() {
		s.w.advance(next.Sub(s.w.now))
		s.flush()
	}
	s.w.advance(until.Sub(s.w.now))
}
