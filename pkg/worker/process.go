package worker

import (
	"bytes"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"syscall"

	"gazpacho/proto"
)

// What the runtime is asked for. None of these stops the world.
const (
	metricHeap       = "/memory/classes/heap/objects:bytes"
	metricGoroutines = "/sched/goroutines:goroutines"
	metricGCs        = "/gc/cycles/total:gc-cycles"
	metricGCPauses   = "/cpu/classes/gc/pause:cpu-seconds" // of all processors
)

// processStats asks the system and the runtime. It takes some ten microseconds, and more on old kernels with many descriptors: it is not for
// the loop.
func processStats() proto.ProcessStats {
	samples := []metrics.Sample{{Name: metricHeap}, {Name: metricGoroutines}, {Name: metricGCs}, {Name: metricGCPauses}}
	metrics.Read(samples)
	s := proto.ProcessStats{
		Heap: samples[0].Value.Uint64(), Goroutines: int(samples[1].Value.Uint64()), GCs: samples[2].Value.Uint64(),
		GCPauses: uint64(samples[3].Value.Float64() * 1e6 / float64(runtime.GOMAXPROCS(0))), RSS: residentSize(), OpenFDs: openFDs(),
	}
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) == nil {
		s.CPUUser, s.CPUSystem = uint64(u.Utime.Nano()/1000), uint64(u.Stime.Nano()/1000)
	}
	return s
}

// residentSize reads the second number of /proc/self/statm, in pages; 0 where there is none.
func residentSize() uint64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}

// openFDs counts the descriptors; since Linux 6.2 the directory's size is their number.
func openFDs() int {
	d, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0
	}
	defer d.Close()
	if info, err := d.Stat(); err == nil && info.Size() > 0 {
		return int(info.Size()) - 1 // that of d itself
	}
	names, err := d.Readdirnames(-1)
	if err != nil {
		return 0
	}
	return len(names) - 1
}
