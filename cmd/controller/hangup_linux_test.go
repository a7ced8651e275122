package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal opens a terminal: who holds the one end may hang up, the other is a program's.
func terminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(user.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(user.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return user, program
}

// The controller of a terminal ends with it, as other programs do; on a SIGHUP that somebody sends it stays.
func TestEndsWithItsTerminal(t *testing.T) {
	user, tty := terminal(t)
	defer user.Close()
	log := &bufferedLog{ready: make(chan struct{})}
	c := exec.Command(filepath.Join(binDir, "controller"), "--listen", "127.0.0.1:0", "--rtc-listen", "127.0.0.1", "--rtc-port", "0", "--workers", "1",
		"--admin-listen", "none", "--data-dir", t.TempDir())
	c.Stdin, c.Stderr = tty, log
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	defer func() { _ = c.Process.Kill() }()
	select {
	case <-log.ready:
	case <-time.After(30 * time.Second):
		t.Fatalf("it does not start: %s", log)
	}
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	address := log.address(t)
	if r, err := insecure(t).Get("https://" + address); err != nil {
		t.Errorf("after a SIGHUP: %v", err)
	} else {
		r.Body.Close()
	}
	user.Close()
	select {
	case err := <-ended:
		if err != nil || !strings.Contains(log.String(), "ending") {
			t.Errorf("%v\n%s", err, log)
		}
	case <-time.After(20 * time.Second):
		t.Errorf("it outlives its terminal\n%s", log)
	}
}
