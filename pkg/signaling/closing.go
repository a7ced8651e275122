package signaling

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"gazpacho/pkg/room"
)

// Reasons of Stats.Closed, beside those of closeReasons.
const (
	closedByClient = "client"            // it said goodbye
	closedLost     = "connection-lost"   // it did not, or does not keep to RFC 6455
	closedSilent   = "silent"            // it does not answer pings
	closedSlow     = "reads-too-slowly"  // the outbox is full, or nothing can be written
	closedTooLarge = "message-too-large" // 1009
	closedMessages = "too-many-messages" // 1008
	closedControls = "too-many-pings"    // 1008
	closedRefused  = "too-many-refused"  // 1008
	closedExpired  = "token-expired"
	closedNoEntry  = "no-entry" // the room did not take it
	closedByServer = "server"   // for another reason
)

// closeReasons are what package room closes connections for.
var closeReasons = map[int]string{
	room.CloseFinal: "replaced", room.CloseMediaLost: "media-lost", room.CloseExpelled: "expelled", room.CloseRoomClosed: "room-closed",
	room.CloseGoingAway: "going-away", room.CloseRestart: "worker-died",
}

// closePolicy is the code for clients that do too much of something (RFC 6455 section 7.4.1).
const closePolicy = int(websocket.StatusPolicyViolation)

// cause keeps the first reason why something ended.
type cause struct {
	mu     sync.Mutex
	reason string
}

func (c *cause) set(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reason == "" {
		c.reason = reason
	}
}

func (c *cause) get() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reason
}

// Close ends the connection when what is queued has gone out.
func (c *session) Close(code int, reason string) {
	why := closeReasons[code]
	if why == "" {
		why = closedByServer
	}
	c.finish(why, code, reason)
}

// finish has the writer say goodbye after what is queued. However slowly the client takes it, its socket is closed in the end.
func (c *session) finish(why string, code int, reason string) {
	if c.out.close(code, reason) {
		c.cause.set(why)
		time.AfterFunc(c.server.goodbye, func() { c.socket.Close() }) // once more does no harm
	}
}

// flooded ends a session that sends too much: what it is still to be told is dropped.
func (c *session) flooded(why, reason string) {
	c.finish(why, closePolicy, reason)
	c.out.drop()
}

// ended finds out why the reader stopped.
func (c *session) ended(err error) string {
	switch {
	case errors.Is(err, websocket.ErrMessageTooBig):
		// The WebSocket has said so, but what the client still sends has to be read, or TCP takes the goodbye back (RFC 1122 section
		// 4.2.2.13).
		c.finish(closedTooLarge, int(websocket.StatusMessageTooBig), "message too large")
	case websocket.CloseStatus(err) != -1:
		c.cause.set(closedByClient)
	case c.ctx.Err() != nil:
		c.cause.set(closedByServer)
	default:
		c.cause.set(closedLost)
	}
	return c.cause.get()
}

// maxReason is what a close frame holds besides its code (RFC 6455 section 5.5), and it is UTF-8 (section 5.5.1).
const maxReason = 123

func cut(reason string) string {
	if len(reason) > maxReason {
		return strings.ToValidUTF8(reason[:maxReason], "")
	}
	return reason
}
