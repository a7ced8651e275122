package bwe

import (
	"encoding/binary"
	"testing"
	"time"
)

// What a forwarded packet costs the estimator: noting it, and its share of a report of twenty.
func BenchmarkSender(b *testing.B) {
	s := sentPackets(300)
	now, seq := start, uint16(300)
	report := transportCC(0, 20, 0, 1, 4)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now = now.Add(time.Millisecond)
		s.Sent(now, seq, 1200)
		seq++
		if i%20 == 19 {
			binary.BigEndian.PutUint16(report[12:], seq-20)
			s.Feedback(now, arrivalsOf(report))
		}
	}
}
