package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// cpuTimeOf adds up /proc/PID/task/TID/schedstat, which has the nanoseconds a thread ran, those it waited, and a count. Zero where
// the kernel does not tell.
func cpuTimeOf(pid int) (sum cpuTime) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid)) // the pattern is well-formed
	for _, file := range threads {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		var ran, waited int64
		if _, err := fmt.Sscan(string(text), &ran, &waited); err == nil {
			sum.ran += time.Duration(ran)
			sum.waited += time.Duration(waited)
		}
	}
	return sum
}
