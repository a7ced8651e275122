package mailbox

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"gazpacho/pkg/simtest/script"
)

// Operations of FuzzConn.
const (
	connPut = iota
	connRead
	connReadDeadline
	connWrite
	connWriteDeadline
	connClose
	connOperations
)

// FuzzConn puts, reads, writes, sets deadlines and closes in any order: what comes out is what went in, in order, and each error is the one that
// package net would give. Reads that would wait are left out.
func FuzzConn(f *testing.F) {
	f.Add(script.Write(connPut, "a", connPut, "bc", connRead, 9, connRead, 1, connReadDeadline, 1, connRead, 1, connReadDeadline, 0, connPut, "x", connRead, 9))
	f.Add(append(bytes.Repeat(script.Write(connPut, "x"), Capacity+2), script.Write(connRead, 9, connClose, connRead, 1, connPut, "y", connWrite, "z")...))
	f.Add(script.Write(connWriteDeadline, 1, connWrite, "z", connWriteDeadline, 2, connWrite, "z", connClose, connReadDeadline, 2, connClose))
	past, future := time.Unix(1, 0), time.Now().Add(time.Hour)
	deadlines := []time.Time{{}, past, future}
	f.Fuzz(func(t *testing.T, input []byte) {
		s := script.New(input)
		var written []byte
		c := New(func(b []byte) { written = append(written[:0], b...) })
		defer c.Close() // stops the timers of deadlines
		var queue [][]byte
		var readLate, writeLate, closed bool
		dropped := uint64(0)
		for s.More() {
			switch s.Below(connOperations) {
			case connPut:
				b := s.Bytes()
				ok := c.Put(b)
				if ok != (!closed && len(queue) < Capacity) {
					t.Fatalf("Put = %v with %d waiting, closed %v", ok, len(queue), closed)
				}
				if ok {
					queue = append(queue, bytes.Clone(b))
				} else if !closed {
					dropped++
				}
			case connRead:
				b := make([]byte, s.Byte())
				if len(queue) == 0 && !closed && !readLate {
					continue
				}
				n, err := c.Read(b)
				want, wantErr := []byte{}, error(nil)
				switch {
				case closed:
					wantErr = net.ErrClosed
				case readLate:
					wantErr = os.ErrDeadlineExceeded
				default:
					want = queue[0]
					if queue = queue[1:]; len(want) > len(b) {
						want, wantErr = want[:len(b)], io.ErrShortBuffer
					}
				}
				if !errors.Is(err, wantErr) || !bytes.Equal(b[:n], want) {
					t.Fatalf("Read = %x, %v; want %x, %v", b[:n], err, want, wantErr)
				}
			case connWrite:
				b := s.Bytes()
				n, err := c.Write(b)
				switch {
				case closed && !errors.Is(err, net.ErrClosed), !closed && writeLate && !errors.Is(err, os.ErrDeadlineExceeded):
					t.Fatalf("Write = %v", err)
				case !closed && !writeLate && (err != nil || n != len(b) || !bytes.Equal(written, b)):
					t.Fatalf("Write = %d, %v of %x, handed over %x", n, err, b, written)
				}
			case connReadDeadline, connWriteDeadline:
				which := s.Below(len(deadlines))
				set, late := c.SetReadDeadline, &readLate
				if s.Bool() {
					set, late = c.SetWriteDeadline, &writeLate
				}
				if err := set(deadlines[which]); closed != errors.Is(err, net.ErrClosed) {
					t.Fatalf("deadline: %v, closed %v", err, closed)
				}
				*late = which == 1
			case connClose:
				if err := c.Close(); err != nil {
					t.Fatal(err)
				}
				closed, queue = true, nil
			}
			if c.Len() != len(queue) || c.Dropped() != dropped {
				t.Fatalf("%d wait and %d were dropped, want %d and %d", c.Len(), c.Dropped(), len(queue), dropped)
			}
		}
	})
}
