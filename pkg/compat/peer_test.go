package compat

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"gazpacho/pkg/simtest"
)

// patience is how long a test waits for what must come.
const patience = 15 * time.Second

// peer is a protoo client that joins a room, agrees to all it is offered and notes what it is told.
type peer struct {
	t       *testing.T
	conn    *websocket.Conn
	mu      sync.Mutex
	heard   []message
	changed chan struct{}
}

// message is any protoo message of the server. A request's id is answered as it came.
type message struct {
	Request  bool            `json:"request"`
	Response bool            `json:"response"`
	OK       bool            `json:"ok"`
	ID       json.RawMessage `json:"id"`
	Method   string          `json:"method"`
	Data     json.RawMessage `json:"data"`
	taken    bool
}

// joinRoom joins a room with a transport to receive on.
func joinRoom(t *testing.T, c *simtest.Controller, room, id string) *peer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	address := "wss" + strings.TrimPrefix(c.URL, "https") + "/?" + url.Values{"roomId": {room}, "peerId": {id}}.Encode()
	conn, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPClient: c.Client(), Subprotocols: []string{"protoo"}})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	p := &peer{t: t, conn: conn, changed: make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.read()
	}()
	t.Cleanup(func() {
		conn.CloseNow()
		<-done
	})
	capabilities := p.request(1, "getRouterRtpCapabilities", `{}`)
	p.request(2, "createWebRtcTransport", `{"forceTcp":false,"producing":false,"consuming":true}`)
	p.request(3, "join", `{"displayName":"`+id+`","device":{"flag":"go"},"rtpCapabilities":`+string(capabilities)+`}`)
	return p
}

func (p *peer) read() {
	for {
		_, text, err := p.conn.Read(context.Background())
		if err != nil {
			return
		}
		var m message
		if err := json.Unmarshal(text, &m); err != nil {
			p.t.Errorf("the server says %s", text)
			return
		}
		if m.Request {
			p.write(`{"response":true,"id":` + string(m.ID) + `,"ok":true,"data":{}}`)
		}
		p.mu.Lock()
		p.heard = append(p.heard, m)
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
	}
}

// write sends a message. That the server is gone shows in what does not come back.
func (p *peer) write(text string) {
	_ = p.conn.Write(context.Background(), websocket.MessageText, []byte(text))
}

// request asks for what must be granted.
func (p *peer) request(id int, method, data string) json.RawMessage {
	p.t.Helper()
	number, _ := json.Marshal(id)
	p.write(`{"request":true,"id":` + string(number) + `,"method":"` + method + `","data":` + data + `}`)
	m := p.take("the answer to "+method, func(m message) bool { return m.Response && string(m.ID) == string(number) })
	if !m.OK {
		p.t.Fatalf("%s is refused", method)
	}
	return m.Data
}

// next takes the oldest message of a method, decoded into a D, that fits. It waits for it if it has not come yet.
func next[D any](p *peer, method string, fits func(D) bool) D {
	p.t.Helper()
	var data D
	p.take(method, func(m message) bool {
		if m.Method != method {
			return false
		}
		var d D
		if err := json.Unmarshal(m.Data, &d); err != nil {
			p.t.Errorf("%s: %s: %v", method, m.Data, err)
			return false
		}
		data = d
		return fits == nil || fits(d)
	})
	return data
}

func (p *peer) take(what string, fits func(message) bool) message {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		p.mu.Lock()
		changed := p.changed
		for i := range p.heard {
			if m := &p.heard[i]; !m.taken && fits(*m) {
				m.taken = true
				p.mu.Unlock()
				return *m
			}
		}
		p.mu.Unlock()
		select {
		case <-changed:
		case <-deadline:
			p.mu.Lock()
			defer p.mu.Unlock()
			var heard []string
			for _, m := range p.heard {
				heard = append(heard, m.Method+string(m.Data))
			}
			p.t.Fatalf("%s did not come; came: %s", what, strings.Join(heard, "\n"))
		}
	}
}
