package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"gazpacho/pkg/simtest"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// site is a real controller with two workers, and its operator.
type site struct {
	t          *testing.T
	controller *simtest.Controller
	client     *http.Client
}

func newSite(t *testing.T) *site {
	t.Helper()
	dir := t.TempDir()
	if err := simtest.BuildController(dir); err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, controller: simtest.StartController(t, dir)}
	s.client = s.controller.Client()
	t.Cleanup(s.client.CloseIdleConnections)
	return s
}

// see is what a path of the operator's port says.
func (s *site) see(path string) (int, string) {
	s.t.Helper()
	r, err := s.client.Get(s.controller.Admin + path)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.StatusCode, body(s.t, r)
}

// series is the names and labels of all that is ours, once ok agrees to the values.
func (s *site) series(ok func(lines []string) bool) map[string]bool {
	s.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		status, text := s.see("/metrics")
		if status != http.StatusOK {
			s.t.Fatalf("%d %s", status, text)
		}
		lines := strings.Split(text, "\n")
		if ok(lines) {
			found := map[string]bool{}
			for _, l := range lines {
				if strings.HasPrefix(l, prefix) {
					found[l[:strings.LastIndexByte(l, ' ')]] = true
				}
			}
			return found
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("waited too long: %s", text)
		}
		time.Sleep(pollEvery / 4)
	}
}

// visit is a stranger who enters a room, asks for this and that, and waits until every answer is there.
func (s *site) visit(room, peer, odd string) *websocket.Conn {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	address := "wss" + strings.TrimPrefix(s.controller.URL, "https") + "/?" + url.Values{"roomId": {room}, "peerId": {peer}}.Encode()
	conn, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{Subprotocols: []string{"protoo"}, HTTPClient: s.client})
	if err != nil {
		s.t.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	requests := []struct {
		method string
		data   any
	}{
		{"getRouterRtpCapabilities", map[string]any{}},
		{odd, map[string]any{}},
		{"createWebRtcTransport", map[string]any{"forceTcp": false, "producing": true, "consuming": false}},
		{"produce", map[string]any{"transportId": odd, "kind": odd, "rtpParameters": map[string]any{}}},
		{"closeProducer", map[string]any{"producerId": odd}},
		{"restartIce", map[string]any{"transportId": odd}},
	}
	for i, r := range requests {
		b, err := json.Marshal(map[string]any{"request": true, "id": i + 1, "method": r.method, "data": r.data})
		if err != nil {
			s.t.Fatal(err)
		}
		if err := conn.Write(ctx, websocket.MessageText, b); err != nil {
			s.t.Fatal(err)
		}
	}
	for answers := 0; answers < len(requests); {
		_, b, err := conn.Read(ctx)
		if err != nil {
			s.t.Fatal(err)
		}
		if strings.Contains(string(b), `"response":true`) {
			answers++
		}
	}
	// What is odd about HTTP: paths, methods, headers.
	r, err := http.NewRequestWithContext(ctx, http.MethodDelete, s.controller.URL+"/rooms/"+url.PathEscape(room)+"/broadcasters/"+url.PathEscape(odd), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("User-Agent", odd)
	response, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	response.Body.Close()
	return conn
}

// wave has visitors in rooms, each of them new, and tells what series there are when they are gone. Workers get rooms of equal
// number, so that each sees everything.
func (s *site) wave(rooms int, odd func(i int) string) map[string]bool {
	s.t.Helper()
	var visitors []*websocket.Conn
	for i := range rooms {
		for range 2 {
			name := odd(len(visitors))
			visitors = append(visitors, s.visit(odd(i)+"room", name, name))
		}
	}
	s.series(func(lines []string) bool {
		return value(s.t, lines, "rooms") == fmt.Sprint(rooms) && value(s.t, lines, "peers") == fmt.Sprint(len(visitors))
	})
	for _, conn := range visitors {
		conn.CloseNow()
	}
	return s.series(func(lines []string) bool {
		return value(s.t, lines, "rooms") == "0" && value(s.t, lines, "signaling_sessions") == "0" &&
			value(s.t, lines, `routers{worker="0"}`) == "0" && value(s.t, lines, `routers{worker="1"}`) == "0"
	})
}

// Whatever names clients choose, no metric has them, and there is no metric more for it.
func TestNamesOfClientsAreNotInMetrics(t *testing.T) {
	s := newSite(t)
	if status, text := s.see("/readyz"); status != http.StatusOK || text != "ready\n" {
		t.Errorf("%d %s", status, text)
	}
	for _, path := range []string{"heap", "goroutine", "profile?seconds=1"} {
		if status, text := s.see("/debug/pprof/workers/1/" + path); status != http.StatusOK || !strings.HasPrefix(text, "\x1f\x8b") {
			t.Errorf("%s of worker 1: %d %.100q", path, status, text)
		}
	}
	before := s.wave(2, func(i int) string { return fmt.Sprintf("plain%d", i) })
	if len(before) < 150 {
		t.Errorf("only %d series", len(before))
	}
	after := s.wave(8, func(i int) string { return fmt.Sprintf("zzq%d\"},\\ =é{worker=\"0", i) })
	var more []string
	for name := range after {
		if !before[name] {
			more = append(more, name)
		}
		if strings.Contains(name, `"other"`) {
			t.Errorf("%s: more reasons than there may be", name)
		}
		if strings.Contains(name, "zzq") || strings.Contains(name, "plain0") {
			t.Errorf("%s has a client's name", name)
		}
	}
	if len(more) > 0 {
		slices.Sort(more)
		t.Errorf("there are more series: %s", strings.Join(more, "\n"))
	}
	if _, text := s.see("/metrics"); strings.Contains(text, "zzq") {
		t.Error("a client's name is somewhere")
	}
}
