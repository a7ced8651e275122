package worker

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// The numbers are those of the system and of the runtime.
func TestProcessStats(t *testing.T) {
	runtime.GC() // so that no garbage goes meanwhile
	before := processStats()
	var open []*os.File
	for range 10 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, f)
	}
	memory := make([]byte, 32<<20)
	for i := 0; i < len(memory); i += 4096 {
		memory[i] = 1
	}
	runtime.GC()
	after := processStats()
	if got := after.OpenFDs - before.OpenFDs; got != len(open) {
		t.Errorf("%d more descriptors, want %d", got, len(open))
	}
	if after.RSS < uint64(len(memory)) || after.Heap < before.Heap+24<<20 {
		t.Errorf("%d and %d bytes became %d and %d", before.RSS, before.Heap, after.RSS, after.Heap)
	}
	if after.GCs <= before.GCs || after.GCPauses < before.GCPauses || after.CPUUser < before.CPUUser || after.Goroutines < 2 {
		t.Errorf("%+v after %+v", after, before)
	}
	runtime.KeepAlive(memory)
	for _, f := range open {
		f.Close()
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	var kib uint64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatal(err)
	}
	if now := residentSize(); now < kib<<10/2 || now > kib<<10*2 {
		t.Errorf("%d bytes are resident, by another account %d KiB", now, kib)
	}
}

// What is read for every request allocates little: operators ask often.
func BenchmarkProcessStats(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		processStats()
	}
}
