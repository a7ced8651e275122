package signaling

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/limit"
	"gazpacho/proto"
)

// verifyTimeout bounds how long a token is looked at: a key set may have to be read for it.
const verifyTimeout = 5 * time.Second

// Reasons of Stats.Refused.
const (
	refusedOrigin       = "origin"       // the page of a foreign origin
	refusedToken        = "unauthorized" // no token, or one that proves nothing
	refusedForbidden    = "forbidden"    // a token for another room or peer, or that lacks a right
	refusedRequest      = "bad-request"
	refusedSubprotocol  = "subprotocol"
	refusedSockets      = "too-many"   // unauthenticated requests of one address, by way of a proxy
	refusedGoingDown    = "going-down" // the server ends
	refusedHandshake    = "handshake"  // no WebSocket after all
	refusedVerification = "unverified" // the token could not be looked at
)

var errOrigin = proto.Failed(proto.CodeForbidden, "pages of this origin are not allowed here")

var errNoToken = proto.Failed(proto.CodeUnauthorized, "an access token is needed: Authorization: Bearer …, or ?token=…")

// grantOf is what the token of a request allows.
func (s *Server) grantOf(r *http.Request, query url.Values) (auth.Grant, error) {
	if s.cfg.Verify == nil {
		return auth.Everything(), nil
	}
	token, err := tokenOf(r, query)
	if err != nil {
		return auth.Grant{}, err
	}
	g, err := s.verify(r.Context(), token)
	if err == nil {
		limit.Authenticated(r.Context())
	}
	return g, err
}

// verify reads a token. What goes wrong beside the token is told to the log only: who knows what it repeats.
func (s *Server) verify(ctx context.Context, token string) (auth.Grant, error) {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	g, err := s.cfg.Verify(ctx, token)
	var e *proto.Error
	if err != nil && !errors.As(err, &e) {
		s.cfg.Log.Error("token cannot be verified", "timeout", errors.Is(err, context.DeadlineExceeded))
		return g, proto.Failed(proto.CodeBusy, "the token cannot be verified now")
	}
	return g, err
}

// tokenOf finds the token of a request: a bearer token (RFC 6750 section 2.1) or, since pages cannot set headers of WebSockets, the
// parameter token. "Clients MUST NOT use more than one method to transmit the token in each request" (section 2).
func tokenOf(r *http.Request, query url.Values) (string, error) {
	var tokens []string
	for _, header := range r.Header.Values("Authorization") {
		scheme, token, _ := strings.Cut(strings.TrimSpace(header), " ")
		if strings.EqualFold(scheme, "Bearer") { // others are for the proxies on the way
			tokens = append(tokens, strings.TrimSpace(token))
		}
	}
	tokens = append(tokens, query["token"]...)
	switch {
	case len(tokens) == 0 || len(tokens) == 1 && tokens[0] == "":
		return "", errNoToken
	case len(tokens) > 1:
		return "", proto.Failed(proto.CodeUnauthorized, "one access token is needed, not several")
	}
	return tokens[0], nil
}

// queryOf reads the parameters of a request's URL. One that appears twice means one thing to us and may mean another to a proxy.
func queryOf(r *http.Request) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badBody("the query of the URL is malformed") // err repeats it, and a token may be in it
	}
	for _, name := range []string{"roomId", "peerId", "consumerReplicas", "producerId", "token"} {
		if len(query[name]) > 1 {
			return nil, proto.BadField(name, "appears twice")
		}
	}
	return query, nil
}

// covers refuses a grant for another room or peer than these, of which "" stands for any.
func covers(g auth.Grant, roomID, peerID string) error {
	switch {
	case roomID != "" && !g.CoversRoom(roomID):
		return proto.Failed(proto.CodeForbidden, "the token is not for this room")
	case peerID != "" && !g.CoversPeer(peerID):
		return proto.Failed(proto.CodeForbidden, "the token is for another peer id")
	}
	return nil
}

// refusal counts one who is not let in.
func (s *Server) refusal(err error) error {
	s.counters.refused(reasonOf(err))
	return err
}

// reasonOf is what a refusal at the door counts as.
func reasonOf(err error) string {
	if errors.Is(err, errOrigin) {
		return refusedOrigin
	}
	switch statusOf(err) {
	case http.StatusUnauthorized:
		return refusedToken
	case http.StatusForbidden:
		return refusedForbidden
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusInternalServerError:
		return refusedVerification
	}
	return refusedRequest
}

// turnAway has an answer go out at once: net/http would first wait for the request's body, for as long as its sender likes.
func turnAway(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close")
	}
}

// challenge says what is asked for (RFC 6750 section 3).
func challenge(err error) string {
	if errors.Is(err, errNoToken) {
		return `Bearer realm="gazpacho"`
	}
	return `Bearer realm="gazpacho", error="invalid_token"`
}
