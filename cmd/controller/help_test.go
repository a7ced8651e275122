package main

import (
	"strings"
	"testing"
)

func TestHelpAndVersion(t *testing.T) {
	code, stdout, stderr := program(t, "--help")
	if code != 0 || stderr != "" {
		t.Errorf("exit %d, %s", code, stderr)
	}
	for _, flag := range []string{
		"--listen", "--data-dir", "--workers", "--worker-bin", "--rtc-listen", "--rtc-port", "--announced-address",
		"--tls-cert", "--tls-key", "--log-level", "--log-format", "--version", "Examples:", "Exit codes:",
	} {
		if !strings.Contains(stdout, flag) {
			t.Errorf("no %s in the help", flag)
		}
	}
	for line := range strings.Lines(stdout) {
		if len(line) > helpWidth+5 {
			t.Errorf("too wide: %s", line)
		}
	}
	if code, stdout, _ := program(t, "--version"); code != 0 || !strings.Contains(stdout, "v9") {
		t.Errorf("exit %d, %s", code, stdout)
	}
}
