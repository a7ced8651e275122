package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// adminAddress is where the operator's port is: on loopback, at a path, or nowhere.
type adminAddress struct{ tcp, unix string }

// maxSocketPath is how long the path of a socket may be on every system we run on.
const maxSocketPath = 103

// checkAdmin refuses what strangers could reach: profiles and metrics are nobody else's business (SECURITY.md, side doors).
func checkAdmin(s *checked) error {
	s.admin = adminAddress{}
	if s.AdminListen == "" || s.AdminListen == "none" {
		return nil
	}
	if path, ok := strings.CutPrefix(s.AdminListen, "unix:"); ok {
		// A directory of its own is made beside it for a moment.
		if n := len(path) + len(privateDir); path == "" || n > maxSocketPath {
			return s.wrong("admin-listen", fmt.Errorf("the path of a socket has 1 to %d bytes", maxSocketPath-len(privateDir)))
		}
		s.admin.unix = path
		return nil
	}
	host, _, err := net.SplitHostPort(s.AdminListen)
	if err != nil {
		return s.wrong("admin-listen", fmt.Errorf("%q is not HOST:PORT, unix:PATH or none", s.AdminListen))
	}
	// Not private networks either: whoever is in one could stop the world with a heap dump, and see which rooms are busy.
	if a, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !a.Unmap().IsLoopback()) {
		return s.wrong("admin-listen", fmt.Errorf(
			"%q is not on loopback: profiles and metrics are open to all who reach them; take 127.0.0.1, [::1], localhost or unix:PATH, and a proxy that asks who it is", s.AdminListen))
	}
	s.admin.tcp = s.AdminListen
	return nil
}

// listen returns nil for nowhere. The errors are those of a setting.
func (a adminAddress) listen() (net.Listener, error) {
	switch {
	case a.unix != "":
		return listenPrivately(a.unix)
	case a.tcp == "":
		return nil, nil
	}
	l, err := listen(a.tcp)
	if err != nil {
		return nil, err
	}
	// localhost is what the machine's files say it is.
	if at, ok := l.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		l.Close()
		return nil, fmt.Errorf("%s is not on loopback here, it is %s", a.tcp, l.Addr())
	}
	return l, nil
}

// privateDir is the pattern of a directory that only we may enter.
const privateDir = ".gazpacho-0000000000/s"

// listenPrivately makes a socket with mode 0600 at path. It is made where nobody else may go and moved to its place, since a socket
// has the mode of the umask at first. One that is left from a controller that was killed is replaced.
func listenPrivately(path string) (net.Listener, error) {
	if err := checkPlace(path); err != nil {
		return nil, err
	}
	// Beside its place, since a file is renamed within one file system only.
	dir, err := os.MkdirTemp(filepath.Dir(path), ".gazpacho-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	inside := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: inside, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // it would remove the name from before the move
	if err = os.Chmod(inside, 0o600); err == nil {
		err = os.Rename(inside, path)
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return &privateListener{l, path}, nil
}

// checkPlace tells whether a socket may be put at path: nothing may be there but a socket that nobody answers on.
func checkPlace(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("%s is there already and no socket", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return fmt.Errorf("%s is in use", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return nil
}

// privateListener removes its socket when it is closed.
type privateListener struct {
	*net.UnixListener
	path string
}

// Close leaves nothing behind.
func (l *privateListener) Close() error {
	err := l.UnixListener.Close()
	if err == nil { // the first time
		err = os.Remove(l.path)
	}
	return err
}

// Addr is where it is now, not where it was made.
func (l *privateListener) Addr() net.Addr { return &net.UnixAddr{Name: l.path, Net: "unix"} }

// adminServer is the operator's port. Profiles, which take as long as is asked, prolong its times themselves.
func adminServer(s checked, handler http.Handler) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: answerTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: errorLog(s),
	}
}
