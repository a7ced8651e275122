package signaling

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"

	"gazpacho/pkg/auth"
	"gazpacho/proto"
)

// maxBody of an HTTP request.
const maxBody = 256 << 10

// visit is an HTTP request that was let in.
type visit struct {
	*http.Request
	server *Server
	query  url.Values
	grant  auth.Grant
}

// newAPI returns a handler for all routes, and the page for everything else.
func newAPI(s *Server) http.Handler {
	mux := http.NewServeMux()
	for _, rt := range routes {
		declared(rt.needs, "route "+rt.pattern)
		mux.Handle(rt.pattern, s.route(rt))
	}
	mux.Handle("/", s.cfg.Page)
	return mux
}

// route serves a route to those who may use it.
func (s *Server) route(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allowed := s.origins.allow(r)
		if allowed {
			share(w, r)
		}
		if r.Method == http.MethodOptions && allowed {
			preflight(w)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		v, err := s.let(rt, r, allowed)
		var result any
		if err != nil {
			turnAway(w, r)
		} else {
			result, err = rt.serve(v)
		}
		if err != nil {
			s.counters.http(statusOf(err))
		} else {
			s.counters.http(http.StatusOK)
		}
		respond(w, result, err)
	})
}

// let asks who it is, and what they may do, before anything else is looked at.
func (s *Server) let(rt route, r *http.Request, allowed bool) (v visit, err error) {
	v = visit{Request: r, server: s}
	if !allowed && r.Method != http.MethodGet && r.Method != http.MethodHead {
		return v, s.refusal(errOrigin)
	}
	if v.query, err = queryOf(r); err != nil {
		return v, s.refusal(err)
	}
	if v.grant, err = s.grantOf(r, v.query); err != nil {
		return v, s.refusal(err)
	}
	if err := rt.needs.check(v.grant); err != nil {
		return v, s.refusal(err)
	}
	if err := covers(v.grant, r.PathValue("room"), ""); err != nil {
		return v, s.refusal(err)
	}
	return v, nil
}

// withBody reads a JSON body. That it must say so keeps pages of other sites from sending one: browsers ask first.
func withBody[B, R any](c visit, f func(B) (R, error)) (any, error) {
	if kind, _, err := mime.ParseMediaType(c.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, proto.BadField("Content-Type", "is not application/json")
	}
	text, err := io.ReadAll(c.Body)
	if err != nil {
		return nil, badBody(err.Error())
	}
	if err := scan(text, nil); err != nil && !errors.Is(err, errSyntax) {
		return nil, err
	}
	var body B
	if err := decode(text, &body); err != nil {
		return nil, err
	}
	return f(body)
}

// respond writes a result as JSON, a string as it is, and an error as text. A token may have been in the URL, so the answer is not to
// be kept, nor its URL told to others.
func respond(w http.ResponseWriter, result any, err error) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if err != nil {
		status := statusOf(err)
		if status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", challenge(err))
		}
		http.Error(w, reasonText(err), status)
		return
	}
	if text, ok := result.(string); ok {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, text) // the client may be gone
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(result) // the client may be gone
}
