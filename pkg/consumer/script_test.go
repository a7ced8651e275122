package consumer_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/codec"
	"gazpacho/pkg/rtp"
	"gazpacho/pkg/simtest/golden"
	"gazpacho/proto"
)

// TestScripts runs the commands of each script and compares what happens with what stands indented below them.
func TestScripts(t *testing.T) {
	golden.Scripts(t, "testdata/*.txt", func(t *testing.T, script string) []byte {
		s := &scenario{t: t}
		golden.Play(&s.out, script, func(command string, args []string) {
			s.run(command, args)
			s.flush()
		})
		return s.out.Bytes()
	})
}

// scenario is a world under a script.
type scenario struct {
	t   *testing.T
	out bytes.Buffer
	w   *world
}

func (s *scenario) number(word string) int {
	n, err := strconv.Atoi(word)
	if err != nil {
		s.t.Fatalf("%q is no number", word)
	}
	return n
}

// options splits words of the form name or name=value.
func options(args []string) map[string]string {
	m := map[string]string{}
	for _, a := range args {
		name, value, _ := strings.Cut(a, "=")
		m[name] = value
	}
	return m
}

func (s *scenario) peer(name string) *peer {
	for _, p := range s.w.consumers {
		if p.name == name {
			return p
		}
	}
	s.t.Fatalf("no consumer %q", name)
	return nil
}

// run obeys one command:
//
//	produce vp8|h264|opus [streams]
//	consume name [spatial=n] [temporal=n] [paused] [ignoredtx] [nortx]
//	connect | disconnect | pause | resume | layers | report name
//	prefer name spatial [temporal]
//	producer pause|resume|close
//	send stream [key] [packets=n] [tid=n] [sync] [dtx] [age=ms] [lose=i,…]   a picture, of 2 packets as a rule
//	play stream ms tids                                             pictures of those layers every 33 ms, for a time
//	late stream | repair stream                                     what was lost comes after all
//	restart stream                                                  it begins anew, under another SSRC if that is free
//	sr stream                                                       a sender report
//	nack name n … | pli name | rr name lost
//	wait ms | warm                                                  all streams live for three seconds
func (s *scenario) run(command string, args []string) {
	if command == "produce" {
		kind := map[string]codec.Kind{"vp8": codec.VP8, "h264": codec.H264, "opus": codec.Opus}[args[0]]
		streams := 1
		if len(args) > 1 {
			streams = s.number(args[1])
		}
		s.w = newWorld(s.t, kind, streams)
		return
	}
	switch command {
	case "send", "play", "late", "repair", "restart", "sr":
		s.publish(command, s.number(args[0]), args[1:])
	case "producer":
		map[string]func(time.Time){"pause": s.w.producer.Pause, "resume": s.w.producer.Resume, "close": s.w.producer.Close}[args[0]](s.w.now)
	case "wait":
		s.w.advance(time.Duration(s.number(args[0])) * time.Millisecond)
	case "warm":
		for range 30 {
			for i := range s.w.streams {
				s.w.send(i, picture{packets: 1})
			}
			s.w.advance(100 * time.Millisecond)
		}
	case "consume":
		s.consume(args)
	default:
		s.control(command, s.peer(args[0]), args[1:])
	}
}

func (s *scenario) publish(command string, i int, args []string) {
	stream := s.w.streams[i]
	switch command {
	case "send":
		o := options(args)
		v := picture{packets: 2, lose: map[int]bool{}}
		_, v.key = o["key"]
		_, v.sync = o["sync"]
		_, v.dtx = o["dtx"]
		if n := o["packets"]; n != "" {
			v.packets = s.number(n)
		}
		if n := o["tid"]; n != "" {
			v.tid = uint8(s.number(n))
		}
		if n := o["age"]; n != "" {
			v.age = time.Duration(s.number(n)) * time.Millisecond
		}
		if list := o["lose"]; list != "" {
			for _, n := range strings.Split(list, ",") {
				v.lose[s.number(n)] = true
			}
		}
		s.w.send(i, v)
	case "play":
		until := s.w.now.Add(time.Duration(s.number(args[0])) * time.Millisecond)
		for n := 0; s.w.now.Before(until); n++ {
			s.w.send(i, picture{packets: 1, tid: args[1][n%len(args[1])] - '0', sync: true})
			s.w.advance(33 * time.Millisecond)
		}
	case "late", "repair":
		for _, r := range stream.held {
			give := s.w.give
			if command == "repair" {
				give = s.w.repair
			}
			if v := give(stream, r); !v.Forwarded() {
				fmt.Fprintf(&s.out, "\t%v\n", v)
			}
		}
		stream.held = nil
	case "restart":
		s.w.restart(i)
	case "sr":
		s.w.report(i)
	}
}

func (s *scenario) consume(args []string) {
	o, set := s.w.options(args[0]), options(args[1:])
	if n, ok := set["spatial"]; ok {
		o.PreferredLayers = &proto.ConsumerLayers{SpatialLayer: s.number(n)}
		if n, ok := set["temporal"]; ok {
			temporal := s.number(n)
			o.PreferredLayers.TemporalLayer = &temporal
		}
	}
	_, o.Paused = set["paused"]
	_, o.IgnoreDTX = set["ignoredtx"]
	if _, ok := set["nortx"]; ok {
		o.RTPParameters.Codecs = o.RTPParameters.Codecs[:1]
		o.RTPParameters.Encodings[0].RTX = nil
	}
	s.w.consume(o)
}

func (s *scenario) control(command string, c *peer, args []string) {
	now := s.w.now
	switch command {
	case "connect":
		c.TransportConnected(now)
	case "disconnect":
		c.TransportDisconnected(now)
	case "pause":
		c.Pause(now)
	case "resume":
		c.Resume(now)
	case "prefer":
		l := proto.ConsumerLayers{SpatialLayer: s.number(args[0])}
		if len(args) > 1 {
			n := s.number(args[1])
			l.TemporalLayer = &n
		}
		if _, err := c.SetPreferredLayers(now, l); err != nil {
			s.t.Fatal(err)
		}
	case "layers":
		d := c.Dump()
		fmt.Fprintf(&s.out, "\tpreferred %d.%d, target %d.%d, current %d.%d\n", *d.PreferredSpatialLayer, *d.PreferredTemporalLayer,
			*d.TargetSpatialLayer, *d.TargetTemporalLayer, *d.CurrentSpatialLayer, *d.CurrentTemporalLayer)
	case "nack":
		var list []uint16
		for _, a := range args {
			list = append(list, uint16(s.number(a)))
		}
		c.HandleNACK(now, nack(s.t, c.SSRC(), list...))
	case "pli":
		c.HandleKeyFrameRequest(now, false)
	case "rr":
		c.HandleReceiverReport(now, rtp.ReportBlock{SSRC: c.SSRC(), TotalLost: int32(s.number(args[0]))})
	case "report":
		if info, ok := c.SenderReport(now); ok {
			fmt.Fprintf(&s.out, "\tSR %d: timestamp %d, %d packets, %d octets\n", info.SSRC, info.Timestamp, info.Packets, info.Octets)
		} else {
			fmt.Fprintf(&s.out, "\tno SR\n")
		}
	default:
		s.t.Fatalf("no command %q", command)
	}
}

// flush prints what went out, a line for each picture, and what was said. Of many pictures it prints the first and the last.
func (s *scenario) flush() {
	for _, c := range s.w.consumers {
		var lines []string
		for len(c.out) > 0 {
			n := 1
			for n < len(c.out) && c.out[n].timestamp == c.out[0].timestamp && c.out[n].rtx == c.out[0].rtx && (c.out[n].size == 0) == (c.out[0].size == 0) {
				n++
			}
			lines = append(lines, describe(c.out[:n]))
			c.out = c.out[n:]
		}
		if n := len(lines); n > 8 {
			lines = []string{lines[0], fmt.Sprintf("… %d more …", n-2), lines[n-1]}
		}
		for _, line := range lines {
			fmt.Fprintf(&s.out, "\t%s %s\n", c.name, line)
		}
	}
	for _, line := range s.w.journal {
		fmt.Fprintf(&s.out, "\t%s\n", line)
	}
	s.w.journal = nil
}

func describe(list []sent) string {
	text := ""
	for i := 0; i < len(list); i++ {
		from := i
		for i+1 < len(list) && list[i+1].seq == list[i].seq+1 {
			i++
		}
		text += fmt.Sprintf(" #%d", list[from].seq)
		if i > from {
			text += fmt.Sprintf("-%d", list[i].seq)
		}
	}
	first := list[0]
	text = fmt.Sprintf("%s at %d", text[1:], first.timestamp)
	if first.rtx {
		text += fmt.Sprintf(" again (%d)", first.ssrc)
	}
	if first.size == 0 {
		return text + " empty"
	}
	if f := first.frame; f.HasPictureID {
		text += fmt.Sprintf(" picture %d tl0 %d tid %d", f.PictureID, f.TL0PICIDX, f.Temporal)
	}
	if slices.ContainsFunc(list, func(v sent) bool { return v.frame.KeyFrame }) {
		text += " key"
	}
	if list[len(list)-1].marker {
		text += " end"
	}
	return text
}
