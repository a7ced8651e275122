package admin

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gazpacho/proto"
)

// metricNames is every metric there is, with its labels; those that Prometheus adds itself are everybody's.
func metricNames(t *testing.T) map[string][]string {
	t.Helper()
	gathered, err := full(t, newFleet(t, everything())).registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string][]string{}
	for _, g := range gathered {
		labels := []string{"job", "instance"}
		for _, l := range g.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		names[g.GetName()] = labels
		if g.GetMetric()[0].GetHistogram() != nil {
			delete(names, g.GetName())
			names[g.GetName()+"_bucket"] = append(slices.Clone(labels), "le")
			names[g.GetName()+"_sum"], names[g.GetName()+"_count"] = labels, labels
		}
	}
	return names
}

var (
	selector = regexp.MustCompile(`\b((?:gazpacho|process|go)_[a-z0-9_]+)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"`)
	grouping = regexp.MustCompile(`\bby \(([^)]*)\)`)
	legend   = regexp.MustCompile(`\{\{\s*(?:\$labels\.)?([a-z_]+)`)
)

// checkExpression checks a query's metrics and labels, and that the text beside it uses no label which the result has not.
func checkExpression(t *testing.T, names map[string][]string, where, expr string, texts ...string) {
	t.Helper()
	found := selector.FindAllStringSubmatch(expr, -1)
	if len(found) == 0 {
		t.Errorf("%s: no metric in %s", where, expr)
	}
	var have []string
	for _, f := range found {
		labels, ok := names[f[1]]
		if !ok {
			t.Errorf("%s: there is no metric %s", where, f[1])
		}
		have = append(have, labels...)
		for _, m := range matcher.FindAllStringSubmatch(f[2], -1) {
			if !slices.Contains(labels, m[1]) {
				t.Errorf("%s: %s has no label %s", where, f[1], m[1])
			}
			if f[1] == prefix+"drops_total" && (m[1] == "reason" || m[1] == "unit") {
				checkReasons(t, where, m[2])
			}
		}
	}
	if groups := grouping.FindAllStringSubmatch(expr, -1); groups != nil {
		var kept []string
		for _, g := range groups {
			for label := range strings.SplitSeq(g[1], ",") {
				label = strings.TrimSpace(label)
				if !slices.Contains(have, label) {
					t.Errorf("%s: nothing in %s has a label %s", where, expr, label)
				}
				kept = append(kept, label)
			}
		}
		have = kept
	}
	for _, text := range texts {
		for _, l := range legend.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(have, l[1]) {
				t.Errorf("%s: %q names a label that %s has not", where, text, expr)
			}
		}
	}
	for _, pair := range []string{"()", "{}", "[]"} {
		if strings.Count(expr, pair[:1]) != strings.Count(expr, pair[1:]) {
			t.Errorf("%s: %s in %s are not pairs", where, pair, expr)
		}
	}
}

// checkReasons checks that the reasons or units of drops named in a matcher exist.
func checkReasons(t *testing.T, where, value string) {
	t.Helper()
	for name := range strings.SplitSeq(value, "|") {
		known := slices.ContainsFunc(proto.DropReasons, func(r proto.DropReason) bool { return r.Name == name || string(r.Unit) == name })
		if !known {
			t.Errorf("%s: nothing is dropped as %s", where, name)
		}
	}
}

type target struct {
	Expr, LegendFormat, RefID string
	Datasource                struct{ UID string }
}

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Datasource               struct{ UID string }
	FieldConfig              struct{ Defaults struct{ Unit string } }
	Targets                  []target
}

type board struct {
	SchemaVersion int
	UID, Title    string
	Panels        []panel
	Annotations   struct{ List []target }
	Templating    struct {
		List []struct{ Name, Type, Definition string }
	}
}

func readBoard(t *testing.T) board {
	t.Helper()
	b, err := os.ReadFile("../../scripts/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var g board
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestBoardShowsMetricsThatExist(t *testing.T) {
	names := metricNames(t)
	g := readBoard(t)
	queries := 0
	for _, p := range g.Panels {
		if p.Type == "row" {
			continue
		}
		refs := map[string]bool{}
		for _, q := range p.Targets {
			queries++
			checkExpression(t, names, p.Title, q.Expr, q.LegendFormat)
			if refs[q.RefID] || q.RefID == "" || q.LegendFormat == "" || q.Datasource.UID != "${datasource}" {
				t.Errorf("%s: %+v", p.Title, q)
			}
			refs[q.RefID] = true
		}
		if len(p.Targets) == 0 {
			t.Errorf("%s shows nothing", p.Title)
		}
	}
	for _, a := range g.Annotations.List {
		if a.Expr != "" {
			checkExpression(t, names, "annotation", a.Expr)
		}
	}
	for _, v := range g.Templating.List {
		if v.Type == "query" {
			expr, label, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(v.Definition, "label_values("), ")"), ", ")
			if !ok || label != v.Name {
				t.Errorf("variable %s is %s", v.Name, v.Definition)
			}
			checkExpression(t, names, v.Name, expr, "{{"+label+"}}")
		}
	}
	if queries < 50 {
		t.Errorf("only %d queries were checked", queries)
	}
}

func TestBoardIsWhole(t *testing.T) {
	g := readBoard(t)
	if g.SchemaVersion < 38 || g.UID != "gazpacho" || g.Title == "" || g.Templating.List[0].Name != "datasource" {
		t.Errorf("%+v", g.Templating)
	}
	units := []string{"short", "bps", "pps", "percentunit", "reqps", "ops", "cps", "s", "bytes"}
	ids, taken, titles := map[int]bool{}, map[[2]int]string{}, map[string]bool{}
	var rows []string
	for _, p := range g.Panels {
		if ids[p.ID] || p.ID < 1 {
			t.Errorf("%s: id %d", p.Title, p.ID)
		}
		ids[p.ID] = true
		if p.Type == "row" {
			rows = append(rows, p.Title)
		} else if titles[p.Title] || p.Description == "" || !slices.Contains(units, p.FieldConfig.Defaults.Unit) || p.Datasource.UID != "${datasource}" {
			t.Errorf("%s: twice %v, unit %q, %q", p.Title, titles[p.Title], p.FieldConfig.Defaults.Unit, p.Description)
		} else {
			titles[p.Title] = true
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s lies on %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
	if got := strings.Join(rows, " "); got != "Overview Media Drops Loop Workers Signaling Edge Relays" {
		t.Errorf("rows %s", got)
	}
}

func TestAlertsAreAboutMetricsThatExist(t *testing.T) {
	names := metricNames(t)
	b, err := os.ReadFile("../../scripts/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For string
				Labels           map[string]string
				Annotations      map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			checkExpression(t, names, r.Alert, r.Expr, r.Annotations["summary"], r.Annotations["description"])
			if seen[r.Alert] || !strings.HasPrefix(r.Alert, "Gazpacho") || r.Annotations["summary"] == "" || r.Labels["severity"] == "" {
				t.Errorf("%+v", r)
			}
			seen[r.Alert] = true
		}
	}
	if len(seen) < 8 {
		t.Errorf("%d alerts", len(seen))
	}
}
