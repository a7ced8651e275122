package admin

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const documentHead = `# Metrics

What ` + "`/metrics`" + ` of the admin listener tells Prometheus. The tables of this package are the source: ` + "`go test ./pkg/admin -update`" + `
writes this page.

- Metrics of a worker have the label ` + "`worker`" + `, the number of its slot, 0 to the number of workers less one. When a worker is replaced
  its counters begin at zero again, which ` + "`rate()` and `increase()`" + ` of Prometheus expect.
- No label is ever an id or a name that a client chose: the number of series does not grow with rooms, peers or time.
- A scrape asks every worker once, all at the same time, for one second at most. One that does not answer has ` + "`gazpacho_worker_up` 0" + `
  and none of the metrics below. Scrapes within a second share their answers.
- A series of a counter by reason appears when its reason happens for the first time; those of drops and restarts are there from the start.
- Besides these there are ` + "`go_…` and `process_…`" + ` of the controller itself, as the Prometheus client for Go exports them.
`

func document() string {
	var b strings.Builder
	b.WriteString(documentHead)
	section := func(title string) {
		fmt.Fprintf(&b, "\n## %s\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n", title)
	}
	row := func(name, kind, help string, labels ...string) {
		for i, l := range labels {
			labels[i] = "`" + l + "`"
		}
		fmt.Fprintf(&b, "| `%s%s` | %s | %s | %s |\n", prefix, name, kind, strings.Join(labels, ", "), help)
	}
	section("Controller")
	for _, f := range controllerFamilies {
		row(f.name, f.kind, f.help, append([]string(nil), f.labels...)...)
	}
	for _, s := range []struct {
		title    string
		families []family[stats]
	}{{"Workers", workerFamilies}, {"Traffic of a worker's transports", trafficFamilies}, {"Sockets of a worker", socketFamilies}, {"Relays of a worker (TURN)", turnFamilies}} {
		section(s.title)
		if s.title == "Workers" {
			row(up.name, up.kind, up.help, append([]string(nil), up.labels...)...)
		}
		for _, f := range s.families {
			row(f.name, f.kind, f.help, append([]string{workerLabel}, f.labels...)...)
		}
	}
	return b.String()
}

func TestDocument(t *testing.T) {
	const file = "METRICS.md"
	want := document()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the tables say: go test ./pkg/admin -update", file)
	}
}
