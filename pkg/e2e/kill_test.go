package e2e

import (
	"syscall"
	"testing"
)

// kill ends a process as the kernel's memory killer does.
func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}
