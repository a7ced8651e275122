package attack

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/sctp"

	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// Who has data channels speaks SCTP with us, and may speak it badly.
var associations = []attack{
	{"SCTP packets of random chunks", "R-SCTP-1", randomChunks},
	{"SCTP of a live association, mutated", "R-SCTP-1", mutatedChunks},
	{"streams without end, DCEP garbage, messages that are too large", "R-SCTP-1", abusiveStreams},
	{"readers of data that take nothing, or are gone", "R-SCTP-2 R-SCTP-3", zeroWindows},
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum makes a packet whole again (RFC 9260 appendix A).
func checksum(packet []byte) []byte {
	clear(packet[8:12])
	binary.LittleEndian.PutUint32(packet[8:], crc32.Checksum(packet, castagnoli))
	return packet
}

// chunk is one of a packet; its length may lie by a few bytes.
func chunk(kind, flags byte, lie int, body ...byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{kind, flags}, uint16(4+len(body)+lie))
	b = append(b, body...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// chunkKinds are all that RFC 9260, 3758, 6525 and 8260 know, and some that nobody does.
var chunkKinds = []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 64, 128, 130, 132, 192, 193, 194, 255}

// randomChunks come before there is an association, and never make one. Then the client asks for one that works.
func randomChunks(t *testing.T, s *stage, d time.Duration) tally {
	r := newNoise()
	c := s.raw(simtest.RawOptions{Data: true})
	defer s.expel(c)
	c.ProduceData(1)
	pace(t.Context(), d, 1500, func(n int) {
		packet := []byte{0x13, 0x88, 0x13, 0x88, 0, 0, 0, 0, 0, 0, 0, 0}
		if n%3 > 0 {
			binary.BigEndian.PutUint32(packet[4:], r.Uint32())
		}
		for range 1 + r.IntN(4) {
			packet = append(packet, chunk(chunkKinds[r.IntN(len(chunkKinds))], byte(r.Uint32()), []int{0, 0, -3, 1, 60_000}[r.IntN(5)], r.bytes(r.IntN(60))...)...)
		}
		if n%7 == 0 {
			packet = packet[:r.IntN(len(packet))+1]
		}
		if len(packet) >= 12 {
			packet = checksum(packet)
		}
		_, _ = c.DTLS.Write(packet)
	}, nil)
	return tally{handshakes: 1}
}

// mutator spoils a share of the packets that pass it. Their checksums are right, so they are believed.
type mutator struct {
	noise
	w    io.Writer
	calm int // packets that pass first, for the association to begin
}

func (m *mutator) Write(p []byte) (int, error) {
	if m.calm--; m.calm < 0 && m.IntN(3) == 0 && len(p) > 16 {
		bad := append([]byte{}, p...)
		for range 1 + m.IntN(3) {
			bad[12+m.IntN(len(bad)-12)] = byte(m.Uint32())
		}
		if m.IntN(4) == 0 {
			bad = bad[:12+m.IntN(len(bad)-12)]
		}
		_, _ = m.w.Write(checksum(bad))
	}
	return m.w.Write(p)
}

// mutatedChunks bear the right tag.
func mutatedChunks(t *testing.T, s *stage, d time.Duration) tally {
	r := newNoise()
	began := 0
	for start := time.Now(); began == 0 || time.Since(start) < d; began++ {
		c := s.raw(simtest.RawOptions{Data: true})
		c.ConsumeData(c.ProduceData(1), 2) // its own echo
		a := c.Associate(0, func(w io.Writer) io.Writer { return &mutator{noise: newNoise(), w: w, calm: 8} })
		pace(t.Context(), d/2, 300, func(n int) {
			if stream, err := a.OpenStream(uint16(1+n%3), sctp.PayloadTypeWebRTCBinary); err == nil && stream.BufferedAmount() < 1<<20 {
				_, _ = stream.WriteSCTP(r.bytes(1+r.IntN(3000)), sctp.PayloadTypeWebRTCBinary)
			}
		}, nil)
		s.expel(c)
		a.Close()
	}
	return tally{handshakes: began}
}

// abusiveStreams are opened one after the other, each with a DCEP message that is none; then come messages beyond what we said we take.
func abusiveStreams(t *testing.T, s *stage, d time.Duration) tally {
	r := newNoise()
	c := s.raw(simtest.RawOptions{Data: true})
	defer s.expel(c)
	id := c.ProduceData(1)
	a := c.Associate(0, nil)
	defer a.Close()
	pace(t.Context(), d, 2000, func(n int) {
		if a.BufferedAmount() > 1<<20 {
			return
		}
		if stream, err := a.OpenStream(uint16(n*31), sctp.PayloadTypeWebRTCDCEP); err == nil {
			_, _ = stream.WriteSCTP(r.bytes(1+r.IntN(40), []byte{3, 2, 0, 255}[n%4]), sctp.PayloadTypeWebRTCDCEP)
		}
		if n%500 == 0 {
			if stream, err := a.OpenStream(1, sctp.PayloadTypeWebRTCBinary); err == nil {
				_, _ = stream.WriteSCTP(make([]byte, 1<<20), sctp.PayloadTypeWebRTCBinary)
			}
		}
	}, nil)
	if got := simtest.Request[[]proto.DataProducerStats](s.Worker, proto.DataProducerGetStats, id, nil)[0]; got.BytesReceived >= 1<<20 {
		t.Errorf("a message of a mebibyte was taken: %+v", got)
	}
	return tally{handshakes: 1}
}

// zeroWindows never take what is for them; one of their sockets is closed as well. "≤ 1 MiB buffered per DataConsumer"; who reads gets everything.
func zeroWindows(t *testing.T, s *stage, d time.Duration) tally {
	sender, reader := s.raw(simtest.RawOptions{Data: true}), s.raw(simtest.RawOptions{Data: true})
	defer s.expel(sender)
	defer s.expel(reader)
	source := sender.ProduceData(1)
	reader.ConsumeData(source, 1)
	from, to := sender.Associate(0, nil), reader.Associate(0, nil)
	defer from.Close()
	defer to.Close()
	var stuck []string
	for i := range 2 {
		c := s.raw(simtest.RawOptions{Data: true})
		defer s.expel(c)
		stuck = append(stuck, c.ConsumeData(source, 1))
		a := c.Associate(64<<10, nil) // whose streams nobody reads: the window closes
		defer a.Close()
		if i == 1 {
			c.Close()
		}
	}
	var got atomic.Int64
	read := make(chan struct{})
	go func() {
		defer close(read)
		stream, err := to.AcceptStream()
		if err != nil {
			return
		}
		for b := make([]byte, 64<<10); ; got.Add(1) {
			if _, _, err := stream.ReadSCTP(b); err != nil {
				return
			}
		}
	}()
	out, err := from.OpenStream(1, sctp.PayloadTypeWebRTCBinary)
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	pace(t.Context(), d, 200, func(int) {
		if int64(sent) < got.Load()+20 { // who reads too slowly is cut off as well
			if _, err := out.WriteSCTP(make([]byte, 16<<10), sctp.PayloadTypeWebRTCBinary); err == nil {
				sent++
			}
		}
	}, nil)
	await(t, "all is sent on", func() bool {
		return simtest.Request[[]proto.DataProducerStats](s.Worker, proto.DataProducerGetStats, source, nil)[0].MessagesReceived == uint64(sent)
	})
	for _, id := range stuck {
		if n := simtest.Request[proto.DataConsumerDump](s.Worker, proto.DataConsumerDumpMethod, id, nil).BufferedAmount; n > 1<<20 {
			t.Errorf("%d bytes wait for who does not read", n)
		}
	}
	await(t, "who reads gets all", func() bool { return got.Load() == int64(sent) })
	to.Close()
	<-read
	return tally{handshakes: 4}
}
