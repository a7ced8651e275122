package room

// Client is the way to a peer's page. Its methods are called with the room locked: they never block and never call back.
type Client interface {
	// Notify sends a notification.
	Notify(method string, data any)
	// Request sends a request. The channel yields one value: nil when the page agreed, or why not.
	Request(method string, data any) <-chan error
	// Probe has the client prove soon that it is still there, or be closed.
	Probe()
	// Close ends the connection with a code of RFC 6455 section 7.4; Peer.Leave follows.
	Close(code int, reason string)
}

// Close codes. protoo clients do not come back after CloseFinal, and do after all others.
const (
	CloseFinal        = 4000 // replaced by a newer connection
	CloseMediaLost    = 4001 // media does not get through any more
	CloseExpelled     = 4002 // by an administrator
	CloseRoomClosed   = 4003 // by an administrator, for everybody
	CloseTokenExpired = 4004 // the client has not renewed its token
	CloseGoingAway    = 1001 // the server goes down
	CloseRestart      = 1012 // the worker died
	CloseTryLater     = 1013 // the client reads too slowly
	CloseUnexpected   = 1011
)
