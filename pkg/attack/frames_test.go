package attack

import (
	"bytes"
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// brokenFrames end their session, and no more than that.
func brokenFrames(t *testing.T, h *house, _ time.Duration) {
	unmasked := []byte{final | text, 2, '{', '}'}
	for name, tt := range map[string]struct {
		frame []byte
		codes []int // any of them; -1 is the end without a word
	}{
		"2^62 bytes":              {append(head(final|text, 1<<62), make([]byte, 70<<10)...), []int{1009, 1002, -1}},
		"2^63 bytes":              {head(final|text, 1<<63), []int{1009, 1002, -1}},
		"65 KiB before join":      {wsFrame(final|text, make([]byte, 65<<10)), []int{1009, -1}},
		"8 MiB":                   {wsFrame(final|text, make([]byte, 8<<20)), []int{1009, -1}},
		"compression":             {wsFrame(final|compressed|text, []byte("{}")), []int{1002, -1}},
		"reserved bits":           {wsFrame(final|0x30|text, []byte("{}")), []int{1002, -1}},
		"reserved opcode":         {wsFrame(final|0x03, []byte("{}")), []int{1002, -1}},
		"reserved control":        {wsFrame(0x8b, []byte("{}")), []int{1002, -1}},
		"no mask":                 {unmasked, []int{1002, -1}},
		"fragmented ping":         {wsFrame(0x09, []byte("x")), []int{1002, -1}},
		"long ping":               {wsFrame(ping, make([]byte, 126)), []int{1002, -1}},
		"continuation of nothing": {wsFrame(final|continuation, []byte("x")), []int{1002, -1}},
		"text within fragments":   {append(wsFrame(text, []byte("{")), wsFrame(final|text, []byte("}"))...), []int{1002, -1}},
		"close of one byte":       {wsFrame(closeFrame, []byte{3}), []int{1002, -1}},
	} {
		s := h.dialSocket(t, 1, "room0", "mallory")
		_, _ = s.Write(tt.frame)
		if got := s.code(patience); !slices.Contains(tt.codes, got) {
			t.Errorf("%s: code %d, want one of %v", name, got, tt.codes)
		}
		s.Close()
	}
}

// frameFloods are pings, pongs and messages that mean nothing.
func frameFloods(t *testing.T, h *house, _ time.Duration) {
	for name, one := range map[string][]byte{
		"pings": wsFrame(ping, []byte("are you there")), "pongs": wsFrame(pong, nil), "empty messages": wsFrame(final|text, nil),
		"notifications": wsFrame(final|text, []byte(`{"notification":true,"method":"x","data":{}}`)),
		"answers":       wsFrame(final|text, []byte(`{"response":true,"id":1,"ok":true,"data":{}}`)),
		"binaries":      wsFrame(final|2, []byte("\x00\x01")),
	} {
		s := h.dialSocket(t, 1, "room0", "mallory")
		go func() {
			for range 200 {
				if _, err := s.Write(bytes.Repeat(one, 100)); err != nil {
					return
				}
			}
		}()
		if got := s.code(patience); got == 0 {
			t.Errorf("20,000 %s do not end a session", name)
		}
		s.Close()
	}
}

// endlessMessage is one of fragments, of one byte each.
func endlessMessage(t *testing.T, h *house, _ time.Duration) {
	for name, fragment := range map[string][]byte{"of a byte": wsFrame(continuation, []byte(" ")), "of a KiB": wsFrame(continuation, make([]byte, 1<<10))} {
		s := h.dialSocket(t, 1, "room0", "mallory")
		go func() {
			_, _ = s.Write(wsFrame(text, []byte("{")))
			many := bytes.Repeat(fragment, 100)
			for {
				if _, err := s.Write(many); err != nil {
					return
				}
			}
		}()
		if got := s.code(patience); got == 0 {
			t.Errorf("fragments %s without end are read for ever", name)
		}
		s.Close()
	}
}

// jsonBombs are messages that want too much, or say two things.
func jsonBombs() []string {
	request := func(data string) string { return `{"request":true,"id":1,"method":"join","data":` + data + `}` }
	return []string{
		request(strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)), request(strings.Repeat(`{"a":`, 9_000) + "1" + strings.Repeat("}", 9_000)),
		strings.Repeat("[", 60_000), strings.Repeat(`{"a":`, 12_000),
		request(`{"displayName":` + strings.Repeat("9", 60_000) + `}`), request(`{"displayName":1e999999}`), request(`{"displayName":-0.0e-99999999}`),
		`{"request":true,"id":` + strings.Repeat("9", 60_000) + `,"method":"join","data":{}}`, `{"request":true,"id":1e400,"method":"join","data":{}}`,
		`{"request":true,"id":-1,"method":"join","data":{}}`, `{"request":true,"id":{},"method":"join","data":{}}`, `{"request":true,"id":null,"method":"join","data":[]}`,
		`{"request":true,"request":false,"id":1,"id":2,"method":"join","method":"produce","data":{},"data":[]}`,
		request(`{"displayName":"a","displayName":"b"}`), request(`{` + strings.Repeat(`"a":1,`, 9_000) + `"a":1}`),
		request(`{"displayName":"` + strings.Repeat(`\u0000`, 9_000) + `"}`), request(`{"displayName":"\ud800"}`), request("{\"displayName\":\"\xff\xfe\"}"),
		request(`{"displayName":"x","device":` + strings.Repeat("9", 1000) + `,"rtpCapabilities":{"codecs":` + strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000) + `}}`),
		request(`{"displayName":"x","rtpCapabilities":{"codecs":[` + strings.TrimSuffix(strings.Repeat(`{"mimeType":"video/VP8","kind":"video","clockRate":90000},`, 1_000), ",") + `]}}`),
		`{"request":true,"response":true,"notification":true}`, `{}`, `null`, `"`, ``, "\x00", `{"request":true,"id":1,"method":"` + strings.Repeat("x", 60_000) + `","data":{}}`,
	}
}

// badJSON ends a session at most. Each has a session of its own.
func badJSON(t *testing.T, h *house, _ time.Duration) {
	for i, bomb := range jsonBombs() {
		c := enter(t, from(h.Controller, 2), address(h.Controller, "room0", "mallory", token(t, "room0", "mallory")), nil)
		c.say(bomb)
		if m, ok := c.ask("getRouterRtpCapabilities", "{}"); ok && !m.OK {
			t.Errorf("bomb %d (%.40s): then %d %s", i, bomb, m.ErrorCode, m.ErrorReason)
		}
		c.conn.CloseNow()
	}
}

// newDeaf is a client that asks and asks, as often as it may, and does not read the answers. What comes out is closed when it was thrown out.
func (h *house) newDeaf(t *testing.T) (gone chan struct{}) {
	s := h.dialSocket(t, 7, "room0", "deaf")
	_ = s.Conn.(*tls.Conn).NetConn().(*net.TCPConn).SetReadBuffer(4096)
	ask := wsFrame(final|text, []byte(`{"request":true,"id":1,"method":"getRouterRtpCapabilities","data":{}}`))
	gone = make(chan struct{})
	go func() {
		defer close(gone)
		for {
			if _, err := s.Write(ask); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	return gone
}

// slowReader waits until the deaf one is thrown out. Nobody waits for it meanwhile.
func slowReader(t *testing.T, h *house, _ time.Duration) {
	select {
	case <-h.deaf:
	case <-time.After(2 * patience):
		t.Error("the session goes on")
	}
}

// slowLoris opens sockets that send a little of a TLS handshake, or of a request, and stop. "≤ 100 unauthenticated sockets per IP; handshake and auth
// ≤ 5 s." Somebody else comes in meanwhile.
func slowLoris(t *testing.T, h *house, _ time.Duration) {
	const count = 150
	at := strings.TrimPrefix(h.URL, "https://")
	refused := h.metric(t, "gazpacho_edge_refused_sockets_total")
	var list []net.Conn
	for i := range count {
		dialer := &net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(loopback(8))}
		c, err := dialer.Dial("tcp4", at)
		if err != nil {
			continue // refused so early that it was not even connected
		}
		defer c.Close()
		switch i % 3 {
		case 0: // half a TLS record
			_, _ = c.Write([]byte{22, 3, 1, 2, 0, 1})
		case 1: // half a request
			secure := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
			_ = c.SetDeadline(time.Now().Add(time.Second)) // who is refused gets no answer
			_, _ = secure.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n"))
		}
		list = append(list, c)
	}
	await(t, "those beyond the limit are refused", func() bool {
		return h.metric(t, "gazpacho_edge_refused_sockets_total")-refused >= count-100
	})
	c := enter(t, from(h.Controller, 9), address(h.Controller, "room0", "guest", token(t, "room0", "guest")), nil)
	c.join()
	c.conn.CloseNow()
	start := time.Now()
	for _, c := range list {
		_ = c.SetReadDeadline(start.Add(patience))
		for b := make([]byte, 100); ; {
			if _, err := c.Read(b); err != nil {
				break
			}
		}
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("they were kept for %v", took)
	}
}
