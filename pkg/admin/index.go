package admin

import (
	"html/template"
	"maps"
	"net/http"
	"slices"
)

// index links to everything.
func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	var page struct {
		Version  string
		Profiles []string
		Slots    []int
		Workers  []string
	}
	page.Version, page.Profiles, page.Workers = s.cfg.Version, profileNames, slices.Sorted(maps.Keys(workerProfiles))
	for _, worker := range s.cfg.Workers.Running() {
		page.Slots = append(page.Slots, worker.Slot)
	}
	slices.Sort(page.Slots)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = indexPage.Execute(w, page) // the client may be gone
}

// indexPage has neither scripts nor anything from elsewhere: the guard's policy would not let it.
var indexPage = template.Must(template.New("index").Parse(`<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Gazpacho</title>
<style>body{font:15px/1.5 system-ui,sans-serif;margin:2em}li{margin:.2em 0}</style>
<h1>Gazpacho {{.Version}}</h1>
<ul>
<li><a href="/healthz">healthz</a>: does the process serve
<li><a href="/readyz">readyz</a>: should clients be sent here
<li><a href="/metrics">metrics</a> for Prometheus
</ul>
<h2>Profiles</h2>
<p>For <code>go tool pprof URL</code> and, of <code>trace</code>, <code>go tool trace FILE</code>. <code>profile</code> (of the CPU),
<code>trace</code>, <code>mutex</code> and <code>block</code> take <code>?seconds=N</code>, 10 if left out. The controller's other
profiles are text with <code>?debug=1</code>.</p>
<ul>
<li>controller:{{range .Profiles}} <a href="/debug/pprof/{{.}}">{{.}}</a>{{end}}
{{$workers := .Workers}}{{range $slot := .Slots}}<li>worker {{$slot}}:{{range $workers}} <a href="/debug/pprof/workers/{{$slot}}/{{.}}">{{.}}</a>{{end}}
{{end}}</ul>
</html>
`))
