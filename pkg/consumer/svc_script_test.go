package consumer_test

import (
	"fmt"
	"strings"
	"testing"

	"gazpacho/pkg/codec"
	"gazpacho/pkg/simtest/golden"
	"gazpacho/proto"
)

// TestSVCScripts runs the scripts about scalable video.
func TestSVCScripts(t *testing.T) {
	golden.Scripts(t, "testdata/svc/*.txt", func(t *testing.T, script string) []byte {
		s := &cinema{scenario: scenario{t: t}}
		golden.Play(&s.out, script, func(command string, args []string) {
			s.run(command, args)
			s.flush()
		})
		return s.out.Bytes()
	})
}

// cinema runs one script about scalable video.
type cinema struct {
	scenario
	f *film
}

// run obeys one command, of scenario or of its own:
//
//	produce vp9|av1 mode
//	consume name [spatial=n] [temporal=n] [nortx]
//	send [key] [packets=n] [layers=n] [lose=spatial.packet,…]   a picture, of 2 packets for each layer as a rule, and the time until the next
//	play n [layers=n]                                           pictures
//	late | repair                                               what was lost comes after all
func (s *cinema) run(command string, args []string) {
	switch command {
	case "produce":
		s.f = newFilm(s.t, map[string]codec.Kind{"vp9": codec.VP9, "av1": codec.AV1}[args[0]], args[1])
		s.w = s.f.world
	case "consume":
		s.consumeFilm(args)
	case "send":
		s.send(options(args))
	case "play":
		v := shot{packets: 1}
		if n := options(args)["layers"]; n != "" {
			v.layers = s.number(n)
		}
		for range s.number(args[0]) {
			s.f.shoot(v)
			s.f.pass()
		}
	case "late":
		s.f.late(false)
	case "repair":
		s.f.late(true)
	default:
		s.scenario.run(command, args)
	}
}

func (s *cinema) consumeFilm(args []string) {
	o, set := s.f.options(args[0]), options(args[1:])
	if n, ok := set["spatial"]; ok {
		o.PreferredLayers = &proto.ConsumerLayers{SpatialLayer: s.number(n)}
		if n, ok := set["temporal"]; ok {
			temporal := s.number(n)
			o.PreferredLayers.TemporalLayer = &temporal
		}
	}
	if _, ok := set["nortx"]; ok {
		o.RTPParameters.Codecs = o.RTPParameters.Codecs[:1]
		o.RTPParameters.Encodings[0].RTX = nil
	}
	s.w.consume(o)
}

func (s *cinema) send(o map[string]string) {
	v := shot{packets: 2, lose: map[[2]int]bool{}}
	_, v.key = o["key"]
	if n := o["packets"]; n != "" {
		v.packets = s.number(n)
	}
	if n := o["layers"]; n != "" {
		v.layers = s.number(n)
	}
	if list := o["lose"]; list != "" {
		for _, n := range strings.Split(list, ",") {
			spatial, packet, _ := strings.Cut(n, ".")
			v.lose[[2]int{s.number(spatial), s.number(packet)}] = true
		}
	}
	s.f.shoot(v)
	s.f.pass()
}

// flush prints what went out, a line for each picture, and what was said. Of many pictures it prints the first and the last.
func (s *cinema) flush() {
	if s.w == nil {
		return
	}
	for _, c := range s.w.consumers {
		var lines []string
		for len(c.out) > 0 {
			n := 1
			for n < len(c.out) && c.out[n].timestamp == c.out[0].timestamp && c.out[n].rtx == c.out[0].rtx &&
				(c.out[n].size == 0) == (c.out[0].size == 0) && c.out[n].seq == c.out[n-1].seq+1 {
				n++
			}
			lines = append(lines, describeFilm(c.out[:n]))
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
