package stream

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"gazpacho/pkg/simtest/golden"
	"gazpacho/pkg/timer"
)

// TestScripts runs the commands of each script and compares what happens with what stands indented below them.
func TestScripts(t *testing.T) {
	golden.Scripts(t, "testdata/*.txt", func(t *testing.T, script string) []byte {
		var out bytes.Buffer
		s := &recvScript{t: t, out: &out, now: start}
		golden.Play(&out, script, s.run)
		return out.Bytes()
	})
}

// recvScript is a Recv under a script.
type recvScript struct {
	t      *testing.T
	out    *bytes.Buffer
	timers timer.Queue
	now    time.Time
	recv   *Recv
	rtx    uint16
}

func (s *recvScript) printf(format string, args ...any) {
	fmt.Fprintf(s.out, "\t"+format+"\n", args...)
}

// StreamMissing prints runs as ranges.
func (s *recvScript) StreamMissing(_ time.Time, _ *Recv, sequences []uint16) {
	text := "nack"
	for i := 0; i < len(sequences); i++ {
		first := i
		for i+1 < len(sequences) && sequences[i+1] == sequences[i]+1 {
			i++
		}
		text += fmt.Sprintf(" %d", sequences[first])
		if i > first {
			text += fmt.Sprintf("-%d", sequences[i])
		}
	}
	s.printf("%s", text)
}

func (s *recvScript) StreamBroken(time.Time, *Recv)    { s.printf("broken") }
func (s *recvScript) StreamScore(_ time.Time, r *Recv) { s.printf("score %d", r.Score()) }

// number reads an argument; ranges as 5-9 are for recv and rtx.
func (s *recvScript) number(word string) int {
	n, err := strconv.Atoi(word)
	if err != nil {
		s.t.Fatalf("%q is no number", word)
	}
	return n
}

func (s *recvScript) each(args []string, f func(seq uint16)) {
	for _, word := range args {
		from, to, ranged := strings.Cut(word, "-")
		last := s.number(from)
		if ranged {
			last = s.number(to)
		}
		for n := s.number(from); n <= last; n++ {
			f(uint16(n))
		}
	}
}

// run obeys one command:
//
//	stream [audio] [rtx] [silence=ms]  begin a stream that asks for what is lost
//	at ms                              let time pass, timers included
//	recv n …                           packets arrive
//	rtx n …                            retransmissions of them arrive
//	rtt ms                             the round trip becomes known
//	report | pause | resume | stats
func (s *recvScript) run(command string, args []string) {
	switch command {
	case "stream":
		if s.recv != nil {
			s.recv.Close()
		}
		cfg := RecvConfig{Timers: &s.timers, Owner: s, ClockRate: 90000, NACK: true, NACKDelay: true}
		for _, a := range args {
			switch name, value, _ := strings.Cut(a, "="); name {
			case "audio":
				cfg.NACKDelay, cfg.ClockRate = false, 48000
			case "rtx":
				cfg.RTX = true
			case "silence":
				cfg.MaxSilence = time.Duration(s.number(value)) * time.Millisecond
			}
		}
		s.recv = NewRecv(s.now, cfg)
	case "at":
		until := start.Add(time.Duration(s.number(args[0])) * time.Millisecond)
		for next := s.timers.Next(); !next.IsZero() && !next.After(until); next = s.timers.Next() {
			s.now = next
			was := s.out.Len()
			s.timers.Advance(next)
			if s.out.Len() > was {
				s.printf("  at %d", next.Sub(start).Milliseconds())
			}
		}
		s.now = until
	case "recv":
		s.each(args, func(seq uint16) {
			if _, place := s.recv.Receive(s.now, seq, uint32(s.now.Sub(start)/time.Millisecond*90), 1000); place == Restart || place == OutOfRange {
				s.printf("%d %s", seq, map[Place]string{Restart: "restarts", OutOfRange: "is out of range"}[place])
			}
		})
	case "rtx":
		s.each(args, func(seq uint16) {
			s.rtx++
			if _, ok := s.recv.Repair(s.now, s.rtx, seq, 1000); !ok {
				s.printf("%d was not missing", seq)
			}
		})
	case "rtt":
		s.recv.SetRoundTripTime(time.Duration(s.number(args[0])) * time.Millisecond)
	case "pause":
		s.recv.Pause()
	case "resume":
		s.recv.Resume(s.now)
	case "report":
		b := s.recv.Report(s.now, 1)
		s.printf("lost %d, fraction %d, highest %d", b.TotalLost, b.FractionLost, b.HighestSequence)
	case "stats":
		v := s.recv.Stats(s.now)
		s.printf("packets %d, lost %d, repaired %d, retransmitted %d, nacks %d for %d, unasked %d, discarded %d, score %d", v.Packets,
			v.PacketsLost, v.PacketsRepaired, v.PacketsRetransmitted, v.NACKs, v.NACKPackets, v.RTXDiscarded, v.PacketsDiscarded, v.Score)
	default:
		s.t.Fatalf("no command %q", command)
	}
}

var _ Owner = (*recvScript)(nil)
