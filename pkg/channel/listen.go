package channel

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Listen returns a server on address: "unix:/path" makes a socket there, in a directory that is made with mode 0700 if it does
// not exist; "fd:3" takes a connected socket the parent process left open.
func Listen(address string, cfg Config) (*Server, error) {
	s := NewServer(cfg)
	var err error
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		s.ln, err = listenUnix(path)
	} else if number, ok := strings.CutPrefix(address, "fd:"); ok {
		s.single, err = inherit(number)
	} else {
		err = fmt.Errorf("channel address %q is neither unix:PATH nor fd:NUMBER", address)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// ListenUnix listens on address, "unix:/path", as Listen does.
func ListenUnix(address string) (net.Listener, error) {
	path, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		return nil, fmt.Errorf("address %q is not unix:PATH", address)
	}
	return listenUnix(path)
}

// listenUnix listens at path. A socket that is there already is removed only if nobody answers on it.
func listenUnix(path string) (net.Listener, error) {
	if path == "" {
		return nil, errors.New("channel address unix: has no path")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen at %s (at most %d bytes): %w", path, maxSocketPath, err)
	}
	// Until here the umask decided. Who slips in meanwhile meets checkPeer.
	if err := os.Chmod(path, 0o600); err != nil {
		ln.Close()
		return nil, err
	}
	return ln, nil
}

// maxSocketPath is how long the path of a socket may be on every system we run on.
const maxSocketPath = 103

// removeStale makes way at path for a socket. A worker that was killed leaves its own behind; one that lives answers on it.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return fmt.Errorf("%s is there already and no socket", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return fmt.Errorf("somebody listens at %s already", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

// inherit takes over a connected socket by its number.
func inherit(number string) (net.Conn, error) {
	fd, err := strconv.Atoi(number)
	if err != nil || fd < 3 {
		return nil, fmt.Errorf("channel address fd:%s is no inherited descriptor", number)
	}
	f := os.NewFile(uintptr(fd), "channel")
	defer f.Close() // FileConn duplicates it
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("fd %d: %w", fd, err)
	}
	return conn, nil
}

// Pair returns two connected sockets: one for a Client, the other for a child process that is started with it as fd:3.
func Pair() (ours net.Conn, theirs *os.File, err error) {
	// Between socketpair and close-on-exec no other child may be forked: it would hold the channel open.
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	f := os.NewFile(uintptr(fds[0]), "channel")
	defer f.Close()
	theirs = os.NewFile(uintptr(fds[1]), "channel")
	if ours, err = net.FileConn(f); err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// reset tells whether err says that the peer is gone.
func reset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
