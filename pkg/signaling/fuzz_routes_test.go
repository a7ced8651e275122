package signaling

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"

	"gazpacho/pkg/auth"
	"gazpacho/proto"
)

// FuzzRoutes asks for anything over HTTP without a token that is good for anything: whatever lies behind it, nothing of a room is answered, and no
// WebSocket opened. Routes deny by default (R-WS-3).
func FuzzRoutes(f *testing.F) {
	refuse := func(context.Context, string) (auth.Grant, error) {
		return auth.Grant{}, proto.Failed(proto.CodeUnauthorized, "no token is good")
	}
	server := place(f, refuse, nil)
	for _, rt := range routes {
		method, pattern, ok := strings.Cut(rt.pattern, " ")
		if !ok {
			method, pattern = "GET", method
		}
		f.Add(method, strings.NewReplacer("{", "", "}", "").Replace(pattern), "", []byte(`{"id":"x"}`))
		f.Add(method, strings.NewReplacer("{", "", "}", "").Replace(pattern), "token=a.b.c", []byte(`{}`))
	}
	f.Add("GET", "/", "roomId=r&peerId=p", []byte("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: protoo\r\n"))
	f.Add("OPTIONS", "/rooms", "", []byte("Origin: https://evil.example\r\nAuthorization: Bearer x\r\n"))
	f.Add("GET", "//rooms/../rooms", "", []byte("X-Forwarded-For: 1.2.3.4\r\n"))
	f.Fuzz(func(t *testing.T, method, target, query string, rest []byte) {
		r, err := http.NewRequest(method, "https://host/", bytes.NewReader(rest))
		if err != nil {
			return // not a method
		}
		r.URL = &url.URL{Path: "/" + strings.TrimPrefix(target, "/"), RawQuery: query}
		r.RemoteAddr = "192.0.2.7:1"
		// What looks like a header is one, too.
		for line := range strings.SplitSeq(string(rest), "\r\n") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				r.Header.Add(name, value)
			}
		}
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if clean := path.Clean(r.URL.Path); clean == "/access" || clean == "/rooms" || strings.HasPrefix(clean, "/rooms/") {
			if w.Code < 300 && (method != http.MethodOptions || w.Body.Len() > 0) || w.Code >= 500 {
				t.Fatalf("%s %s?%s: %d %s", method, r.URL.Path, query, w.Code, w.Body)
			}
		}
		if w.Code == http.StatusSwitchingProtocols || w.Code == http.StatusInternalServerError {
			t.Fatalf("%s %s?%s: %d %s", method, r.URL.Path, query, w.Code, w.Body)
		}
	})
}
