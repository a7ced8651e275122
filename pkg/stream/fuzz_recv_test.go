package stream

import (
	"slices"
	"testing"
	"time"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/simtest/script"
	"gazpacho/pkg/timer"
)

// asker owns a stream and holds it to what it may ask for.
type asker struct {
	t     *testing.T
	now   *time.Time
	tries map[uint16]int // since the last restart or time out of reach
	asked int
}

func (a *asker) StreamMissing(now time.Time, r *Recv, list []uint16) {
	a.t.Helper()
	if !now.Equal(*a.now) || len(list) == 0 || len(list) > nackMaxMissing {
		a.t.Fatalf("asked for %d packets at %v", len(list), now)
	}
	for i, seq := range list {
		if i > 0 && !rtp.SeqLess(list[i-1], seq) {
			a.t.Fatalf("%v is not in ascending order", list)
		}
		if a.tries[seq]++; a.tries[seq] > nackMaxTries {
			a.t.Fatalf("asked for %d more than %d times", seq, nackMaxTries)
		}
	}
	a.asked += len(list)
}

func (a *asker) StreamBroken(_ time.Time, r *Recv) {
	if len(r.nack.missing) != 0 {
		a.t.Fatal("broken, and still asks")
	}
}

func (a *asker) StreamScore(_ time.Time, r *Recv) {
	if r.Score() > MaxScore {
		a.t.Fatalf("score %d", r.Score())
	}
}

// Operations of FuzzRecv.
const (
	recvNext = iota
	recvStep // the next packet after a step of the sequence number
	recvLate // one from before
	recvRepair
	recvRTX
	recvSenderReport
	recvReport
	recvPause
	recvResume
	recvWait
	recvOperations
)

// FuzzRecv is a stream with any sequence numbers, timestamps, repairs, reports and pauses at any time. No number is handed over twice, what is
// counted is what came, and it never asks for what it cannot miss.
func FuzzRecv(f *testing.F) {
	f.Add(script.Write(uint16(65530), recvNext, recvStep, uint16(4), recvWait, 5, recvRepair, 2, recvLate, 1, recvReport, recvNext))
	f.Add(script.Write(uint16(0), recvNext, recvPause, recvStep, uint16(900), recvResume, recvStep, uint16(2000), recvWait, 255, recvReport))
	f.Add(script.Write(uint16(7), recvStep, uint16(2990), recvStep, uint16(40000), recvNext, recvSenderReport, uint32(1), recvWait, 200, recvRTX, uint16(9)))
	f.Fuzz(func(t *testing.T, input []byte) {
		s := script.New(input)
		var timers timer.Queue
		now := start
		owner := &asker{t: t, now: &now, tries: map[uint16]int{}}
		r := NewRecv(now, RecvConfig{Timers: &timers, Owner: owner, ClockRate: 90000, NACK: true, NACKDelay: len(input)%2 == 0, RTX: true, MaxSilence: time.Second})
		newest, rtx := s.Uint16(), uint16(0)
		var handed []int64
		fed, paused := uint64(0), false
		receive := func(seq uint16) {
			fed++
			number, place := r.Receive(now, seq, s.Uint32(), 100)
			switch place {
			case OutOfRange, Again:
				return
			case Restart:
				handed = handed[:0]
				clear(owner.tries)
			}
			if uint16(number) != seq || slices.Contains(handed, number) {
				t.Fatalf("%d was handed over as %d, after %v", seq, number, handed)
			}
			if place == Ahead {
				newest = seq
			}
			handed = append(handed, number)
		}
		for steps := 0; s.More() && steps < 200; steps++ {
			switch s.Below(recvOperations) {
			case recvNext:
				receive(newest + 1)
			case recvStep:
				receive(newest + s.Uint16())
			case recvLate:
				receive(newest - uint16(s.Byte()))
			case recvRepair:
				rtx++
				fed++
				if number, ok := r.Repair(now, rtx, newest-uint16(s.Byte()), 100); ok {
					if slices.Contains(handed, number) {
						t.Fatalf("%d was repaired and had come", number)
					}
					handed = append(handed, number)
				}
			case recvRTX:
				fed++
				rtx = s.Uint16()
				r.DiscardRTX(now, rtx, 10)
			case recvSenderReport:
				r.HandleSenderReport(now, rtp.SenderInfo{NTP: s.Uint64(), Timestamp: s.Uint32()})
			case recvReport:
				if b := r.Report(now, 9); b.SSRC != 9 || b.Jitter > 1<<31 {
					t.Fatalf("report %+v", b)
				}
				r.RTXReport(now, 10)
			case recvPause:
				r.Pause()
				paused = true
			case recvResume:
				r.Resume(now)
				paused = false
			case recvWait:
				for range 1 + s.Byte()/8 {
					now = now.Add(40 * time.Millisecond)
					timers.Advance(now)
				}
				clearOld(owner, newest)
			}
			if paused && (r.nackTimer.Pending() || len(r.nack.missing) > 0) {
				t.Fatal("asks while paused")
			}
			if got := r.Stats(now); got.Packets+got.PacketsDiscarded != fed || got.NACKPackets != uint64(owner.asked) || len(r.nack.missing) > nackMaxMissing {
				t.Fatalf("of %d packets and %d asked for: %+v", fed, owner.asked, got)
			}
		}
		if r.Close(); timers.Len() != 0 {
			t.Fatalf("%d timers are left", timers.Len())
		}
	})
}

// clearOld forgets the tries of numbers that are so far behind that they may mean others soon.
func clearOld(a *asker, newest uint16) {
	for seq := range a.tries {
		if newest-seq > nackMaxAge {
			delete(a.tries, seq)
		}
	}
}

// FuzzSend gives a leaving stream any reports at any time: its round-trip time stays one, its score a score, and it never sends more again
// than it sent.
func FuzzSend(f *testing.F) {
	f.Add(script.Write(0, uint32(3000), 1, uint32(0), uint32(5), uint32(7), 9, 2, uint16(5), 3, 20))
	f.Add(script.Write(0, uint32(1<<31), 1, uint32(1<<31), uint32(1<<30), uint32(1<<29), 255, 0, uint32(1), 2, uint16(65535)))
	f.Fuzz(func(t *testing.T, input []byte) {
		s := script.New(input)
		send := NewSend(90000)
		var resends Resends
		now := start
		sent, again := 0, 0
		for s.More() {
			switch s.Below(4) {
			case 0:
				send.Sent(now, s.Uint32(), 100, 80)
				sent++
			case 1:
				send.HandleReport(now, rtp.ReportBlock{
					LastSR: s.Uint32(), Delay: s.Uint32(), TotalLost: int32(s.Uint32()<<8) >> 8, FractionLost: s.Byte(),
				})
				if rtt, ok := send.RoundTripTime(); ok && (rtt <= 0 || rtt > 1<<17*time.Second) {
					t.Fatalf("round trip %v", rtt)
				}
				if n := send.Score(); n < 1 || n > MaxScore {
					t.Fatalf("score %d", n)
				}
			case 2:
				rtt, _ := send.RoundTripTime()
				send.Asked(1)
				if ok, first := resends.Allow(now, s.Uint16(), rtt); ok && send.Afford() {
					send.SentAgain(now, 100, first)
					again++
				}
			case 3:
				now = now.Add(time.Duration(s.Byte()) * 10 * time.Millisecond)
			}
			if got := send.Stats(now); got.Packets != uint64(sent+again) || got.PacketsRetransmitted != uint64(again) || again > sent {
				t.Fatalf("of %d packets and %d again: %+v", sent, again, got)
			}
			if _, ok := send.SenderInfo(now, 1, nil, 0); ok != (sent > 0) {
				t.Fatalf("after %d packets a report: %v", sent, ok)
			}
		}
	})
}
