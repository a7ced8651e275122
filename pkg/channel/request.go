package channel

import "gazpacho/proto"

// Request is a request as it arrived: the envelope is decoded, the body is not.
type Request struct {
	ID        uint32
	Method    string
	HandlerID string
	Body      Raw

	link *link
	conn *serverConn // of a worker
}

// Respond answers the request, once: with refused if it is not nil, else with result, a value of a type of proto or nil. It
// does not block, and encodes before it returns, so that result may change afterwards. To a connection that has ended it does
// nothing.
func (r Request) Respond(result any, refused *proto.Error) {
	e := newEntry(proto.State)
	var err error
	e.frame, err = appendResponse(e.frame, r.ID, result, refused)
	if err != nil {
		refused = proto.Failed(proto.CodeInternal, "result of %s: %v", r.Method, err)
	} else if !e.seal(MaxFrame) {
		refused = proto.Failed(proto.CodeLimit, "result of %s is longer than %d bytes", r.Method, MaxFrame)
		err = refused
	}
	if err != nil {
		e.frame, _ = appendResponse(e.frame[:prefix], r.ID, nil, refused)
		e.seal(MaxFrame) // an error is short
	}
	r.link.post(e)
	if r.conn != nil && r.Method == proto.WorkerAttach && refused == nil {
		r.conn.server.live(r.conn)
	}
}
