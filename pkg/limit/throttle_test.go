package limit

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func TestBucket(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	b := NewBucket(50, 200)
	allowed := func(n int) (ok int) {
		for range n {
			if b.Allow(now) {
				ok++
			}
		}
		return ok
	}
	if n := allowed(1000); n != 200 {
		t.Errorf("%d at once, want 200", n)
	}
	now = now.Add(time.Second)
	if n := allowed(1000); n != 50 {
		t.Errorf("%d after a second, want 50", n)
	}
	now = now.Add(time.Hour)
	if n := allowed(1000); n != 200 {
		t.Errorf("%d after an hour, want 200", n)
	}
}

// flood is a throttled connection to which somebody writes as fast as it goes.
func flood(t *testing.T, bytesPerSecond float64, burst int) *Throttle {
	here, there := net.Pipe()
	go func() {
		b := make([]byte, 700)
		for {
			if _, err := there.Write(b); err != nil {
				return
			}
		}
	}()
	c := NewThrottle(here, bytesPerSecond, burst)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := flood(t, 1000, 5000)
		start := time.Now()
		if _, err := io.CopyN(io.Discard, c, 5000); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("the burst takes %v", took)
		}
		if _, err := io.CopyN(io.Discard, c, 60_000); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start).Round(time.Second); took < 59*time.Second || took > 61*time.Second {
			t.Errorf("60,000 bytes at 1000 a second take %v", took)
		}
	})
}

// What is read at once is no more than the burst, however large the buffer.
func TestThrottleLargeBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := flood(t, 10, 100)
		b := make([]byte, 10_000)
		start := time.Now()
		for range 11 {
			if n, err := c.Read(b); n != 100 || err != nil {
				t.Fatalf("%d bytes, %v", n, err)
			}
		}
		if took := time.Since(start).Round(time.Second); took != 100*time.Second {
			t.Errorf("1100 bytes take %v", took)
		}
	})
}

func TestThrottleClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := flood(t, 1, 100)
		b := make([]byte, 100)
		for range 1 {
			if _, err := c.Read(b); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		ended := make(chan error)
		go func() {
			if _, err := c.Read(b); err != nil { // waits 100 s for what it has read
				t.Error(err)
			}
			_, err := c.Read(b)
			ended <- err
		}()
		time.Sleep(5 * time.Second)
		c.Close()
		c.Close()
		if err := <-ended; err == nil || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// An error is told with what was read before it.
func TestThrottleEnd(t *testing.T) {
	here, there := net.Pipe()
	c := NewThrottle(here, 1000, 1000)
	defer c.Close()
	go func() {
		_, _ = there.Write([]byte("last"))
		there.Close()
	}()
	if b, err := io.ReadAll(c); string(b) != "last" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}
