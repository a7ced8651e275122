package signaling

import (
	"encoding/json"

	"gazpacho/pkg/room"
)

type accepted struct {
	Response bool            `json:"response"`
	ID       json.RawMessage `json:"id"`
	OK       bool            `json:"ok"`
	Data     any             `json:"data"`
}

type refused struct {
	Response    bool            `json:"response"`
	ID          json.RawMessage `json:"id"`
	OK          bool            `json:"ok"`
	ErrorCode   int             `json:"errorCode"`
	ErrorReason string          `json:"errorReason"`
}

func (c *session) accept(f frame, result any) {
	c.count(f, outcomeOK)
	c.send(accepted{Response: true, ID: f.id, OK: true, Data: result})
}

func (c *session) refuse(f frame, err error) {
	c.log.Debug("request refused", "method", shortened(f.method), "error", err)
	c.count(f, outcomeOf(err))
	c.send(refused{Response: true, ID: f.id, ErrorCode: statusOf(err), ErrorReason: reasonText(err)})
}

// count counts a request by its method, as far as that is one of ours.
func (c *session) count(f frame, outcome string) {
	name := f.method
	if _, known := methods[name]; !known {
		name = "unknown"
	}
	c.server.counters.request(name, outcome)
}

// quoted makes a client's text fit to print.
func quoted(s string) string {
	b, _ := json.Marshal(shortened(s)) // a string
	return string(b)
}

// Notify sends a notification.
func (c *session) Notify(method string, data any) {
	c.send(struct {
		Notification bool   `json:"notification"`
		Method       string `json:"method"`
		Data         any    `json:"data"`
	}{true, method, data})
}

// Request sends a request.
func (c *session) Request(method string, data any) <-chan error {
	id, result := c.pending.add()
	if id != 0 {
		c.send(struct {
			Request bool   `json:"request"`
			ID      uint32 `json:"id"`
			Method  string `json:"method"`
			Data    any    `json:"data"`
		}{true, id, method, data})
	}
	return result
}

func (c *session) send(message any) {
	text, err := json.Marshal(message)
	if err != nil {
		c.log.Error("message cannot be written as JSON", "error", err)
		return
	}
	if !c.out.put(text) {
		c.log.Warn("client reads too slowly")
		c.out.drop()
		c.finish(closedSlow, room.CloseTryLater, "reads too slowly")
	}
}
