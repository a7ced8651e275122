package limit

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

const patience = 15 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a plain HTTP server, or one with TLS, whose handler knows the path /enter: it authenticates.
func server(t *testing.T, encrypted bool, c ListenerConfig) (*httptest.Server, *Listener) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/enter" {
			Authenticated(r.Context())
		}
		fmt.Fprint(w, "hello")
	}))
	l := NewListener(s.Listener, c)
	s.Listener = l
	s.Config.ConnContext = l.ConnContext
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	if encrypted {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s, l
}

// until waits until f holds.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what + " did not happen")
		}
	}
}

func dial(t *testing.T, s *httptest.Server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// closed waits for the other side to close a socket without having said anything.
func closed(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

func TestListenerRefuses(t *testing.T) {
	for _, encrypted := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls %t", encrypted), func(t *testing.T) {
			s, l := server(t, encrypted, ListenerConfig{Unauthenticated: 3})
			var held []net.Conn
			for range 3 {
				held = append(held, dial(t, s))
			}
			until(t, "accepting 3", func() bool { return l.Stats().Open == 3 })
			for range 5 {
				c, err := net.Dial("tcp", s.Listener.Addr().String())
				if err != nil {
					continue // so fast was it closed
				}
				closed(t, c)
				c.Close()
			}
			until(t, "refusing 5", func() bool { return l.Stats().Refused == 5 })
			if got, want := l.Stats(), (Stats{Open: 3, Unauthenticated: 3, Sources: 1, Accepted: 3, Refused: 5}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			held[0].Close()
			until(t, "forgetting one", func() bool { return l.Stats().Open == 2 })
			dial(t, s)
			until(t, "accepting another", func() bool { return l.Stats().Accepted == 4 })
		})
	}
}

// Who has proven itself makes room for strangers, also below TLS, and is not counted twice when it goes.
func TestListenerAuthenticated(t *testing.T) {
	for _, encrypted := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls %t", encrypted), func(t *testing.T) {
			s, l := server(t, encrypted, ListenerConfig{Unauthenticated: 1})
			var clients []net.Conn
			for i := range 4 {
				c := dial(t, s)
				if encrypted {
					c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
				}
				clients = append(clients, c)
				for range 2 { // a second request on the same socket
					fmt.Fprint(c, "GET /enter HTTP/1.1\r\nHost: x\r\n\r\n")
					r, err := http.ReadResponse(bufio.NewReader(c), nil)
					if err != nil {
						t.Fatalf("client %d: %v", i, err)
					}
					if text, _ := io.ReadAll(r.Body); string(text) != "hello" {
						t.Fatalf("client %d: %q", i, text)
					}
				}
			}
			if got, want := l.Stats(), (Stats{Open: 4, Accepted: 4}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			for _, c := range clients {
				c.Close()
			}
			until(t, "the end", func() bool { return l.Stats().Open == 0 })
			if got := l.Stats(); got.Unauthenticated != 0 || got.Refused != 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// A proxy's sockets are not counted by its address, which is everybody's.
func TestListenerTrusts(t *testing.T) {
	s, l := server(t, false, ListenerConfig{Unauthenticated: 1, Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	for range 5 {
		dial(t, s)
	}
	until(t, "accepting 5", func() bool { return l.Stats().Open == 5 })
	if got := l.Stats(); got.Unauthenticated != 0 || got.Refused != 0 {
		t.Errorf("%+v", got)
	}
}

// What a proxy's client counts for is a slot in the request's context.
func TestSlotInContext(t *testing.T) {
	sources := NewSources(1, 1)
	slot, _ := sources.Take(addr("192.0.2.1"))
	ctx := WithSlot(t.Context(), slot)
	Authenticated(t.Context()) // nothing to do
	if sources.Stats().Open != 1 {
		t.Fatal("a context without a slot releases one")
	}
	Authenticated(ctx)
	Authenticated(ctx)
	slot.Release()
	if got := sources.Stats(); got.Open != 0 {
		t.Errorf("%+v", got)
	}
}

// A connection that is none of the listener's is left alone.
func TestConnContextOfOthers(t *testing.T) {
	l := NewListener(nil, ListenerConfig{})
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if ctx := l.ConnContext(t.Context(), a); ctx != t.Context() {
		t.Error("the context was changed")
	}
	if ctx := l.ConnContext(t.Context(), tls.Client(a, &tls.Config{})); ctx != t.Context() {
		t.Error("the context was changed")
	}
}

// brokenListener fails to accept.
type brokenListener struct{ net.Listener }

var errBroken = errors.New("broken")

func (brokenListener) Accept() (net.Conn, error) { return nil, errBroken }

func TestListenerError(t *testing.T) {
	if _, err := NewListener(brokenListener{}, ListenerConfig{}).Accept(); err != errBroken {
		t.Errorf("%v", err)
	}
}

// netOnly hides what a *net.TCPConn can do beyond net.Conn.
type netOnly struct{ net.Conn }

// net/http half-closes a connection to have its last answer read: that has to pass.
func TestCloseWrite(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	there, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	here, err := NewListener(l, ListenerConfig{}).Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	if err := here.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(there); len(text) != 0 || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := there.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if n, err := here.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("the other direction: %d, %v", n, err)
	}
	if err := (&conn{Conn: netOnly{here}}).CloseWrite(); err != nil {
		t.Errorf("what cannot be half-closed: %v", err)
	}
}
