// Package web is the embedded demo page: one handler that serves the bundle made by `go run ./pkg/web/bundle`,
// or, in a binary built without it, a page that says how to make it.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// page holds the committed fallback and, once bundled, the ignored folder dist.
//
//go:embed page
var page embed.FS

// contentTypes is our own table: package mime reads the host's, so the same binary would answer differently elsewhere.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
	".map":  "application/json",
	".svg":  "image/svg+xml",
	".png":  "image/png",
	".txt":  "text/plain; charset=utf-8",
}

// securityHeaders hold for every answer. The page loads nothing but its own files and talks to its own origin
// ('self' covers wss on the same host, CSP Level 3 §6.7.2.8); nobody may frame it, because it holds camera permission.
var securityHeaders = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
		"media-src 'self' blob: mediastream:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"Permissions-Policy":         "camera=(self), microphone=(self), display-capture=(self), speaker-selection=(self), geolocation=()",
	"Cross-Origin-Opener-Policy": "same-origin",
	"Referrer-Policy":            "no-referrer",
	"X-Content-Type-Options":     "nosniff",
}

// asset is one file, ready to send.
type asset struct {
	body        []byte
	contentType string
	etag        string
	cache       string
	status      int
}

// Handler serves the page at "/", its files under "/assets/", 404 elsewhere and 405 for methods but GET and HEAD.
func Handler() http.Handler {
	sub, err := fs.Sub(page, "page")
	if err != nil {
		panic(err) // the path is a constant: fs.Sub fails on malformed ones only
	}
	return newHandler(sub)
}

// Bundled tells whether this binary carries the page, or only the hint how to make it.
func Bundled() bool {
	_, err := page.ReadFile("page/dist/index.html")
	return err == nil
}

func newHandler(files fs.FS) http.Handler {
	assets := load(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range securityHeaders {
			w.Header().Set(name, value)
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		a, ok := assets[r.URL.Path]
		if !ok {
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		a.serve(w, r)
	})
}

// serve answers with the file. A status other than 200 is for the fallback, which must not be cached or revalidated.
func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", a.contentType)
	w.Header().Set("Cache-Control", a.cache)
	if r.URL.Query().Has("token") {
		w.Header().Set("Cache-Control", "no-store") // a cache would keep the URL, and the token in it
	}
	if a.status != http.StatusOK {
		w.WriteHeader(a.status)
		if r.Method == http.MethodGet {
			_, _ = w.Write(a.body) // the client went away: nothing to do
		}
		return
	}
	w.Header().Set("Etag", a.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
}

// load maps URL paths to files once, so that no request path ever touches a file system and folders cannot be listed.
func load(files fs.FS) map[string]asset {
	if index, err := fs.ReadFile(files, "dist/index.html"); err == nil {
		assets := map[string]asset{"/": newAsset("index.html", index)}
		addTree(assets, files, "dist")
		return assets
	}
	assets := map[string]asset{}
	addTree(assets, files, ".")
	if fallback, ok := assets["/fallback.html"]; ok {
		fallback.status, fallback.cache = http.StatusServiceUnavailable, "no-store"
		assets["/"] = fallback
	}
	return assets
}

func addTree(assets map[string]asset, files fs.FS, root string) {
	// A walk of an embedded tree cannot fail halfway; an entry that cannot be read is simply not served.
	_ = fs.WalkDir(files, root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		relative := strings.TrimPrefix(strings.TrimPrefix(name, root), "/")
		assets["/"+relative] = newAsset(relative, body)
		return nil
	})
}

// newAsset decides type and caching: names under assets/ carry a hash of their content, so they never change.
func newAsset(name string, body []byte) asset {
	contentType, ok := contentTypes[path.Ext(name)]
	if !ok {
		contentType = "application/octet-stream"
	}
	cache := "no-cache"
	if strings.HasPrefix(name, "assets/") {
		cache = "public, max-age=31536000, immutable"
	}
	sum := sha256.Sum256(body)
	return asset{
		body:        body,
		contentType: contentType,
		etag:        `"` + hex.EncodeToString(sum[:8]) + `"`,
		cache:       cache,
		status:      http.StatusOK,
	}
}
