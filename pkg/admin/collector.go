package admin

import (
	"log/slog"
	"net/http"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"gazpacho/proto"
)

// maxScrapes is how many scrapes may be answered at once.
const maxScrapes = 16

// up is the only metric that is known of a worker which does not answer.
var up = family[reading]{
	name: "worker_up", kind: gauge, help: "1 if the worker runs and answered this scrape in time.", labels: []string{workerLabel},
	read: func(r *reading, put put) { put(float64(boolInt(r.stats != nil)), strconv.Itoa(r.slot)) },
}

// allWorkerFamilies are the rows of all tables of workers.
var allWorkerFamilies = slices.Concat(workerFamilies, trafficFamilies, socketFamilies, turnFamilies)

// collector is a prometheus.Collector: each scrape reads the tables.
type collector struct {
	server     *Server
	up         *prometheus.Desc
	workers    []*prometheus.Desc // of allWorkerFamilies
	controller []*prometheus.Desc // of controllerFamilies
}

// newRegistry has our own metrics, and those of the controller's process and its Go runtime.
func newRegistry(s *Server) *prometheus.Registry {
	c := &collector{server: s, up: up.desc()}
	for _, f := range allWorkerFamilies {
		c.workers = append(c.workers, f.desc(workerLabel))
	}
	for _, f := range controllerFamilies {
		c.controller = append(c.controller, f.desc())
	}
	// Not the default registry: other packages' metrics are none of ours, and tests make many servers.
	r := prometheus.NewRegistry()
	r.MustRegister(c, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// metrics answers scrapes. What cannot be collected is left out and logged.
func (s *Server) metrics() http.Handler {
	return promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{
		// It speaks of scrapers that hang up, once for every family of metrics; what is wrong with ours the tests find.
		ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug), ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
	})
}

// Describe lists every metric there can be.
func (c *collector) Describe(send chan<- *prometheus.Desc) {
	send <- c.up
	for _, d := range slices.Concat(c.workers, c.controller) {
		send <- d
	}
}

// Collect reads every table once.
func (c *collector) Collect(send chan<- prometheus.Metric) {
	shot := c.server.snapshot()
	for i, f := range controllerFamilies {
		f.collect(&shot, c.controller[i], send)
	}
	// The slots decide which workers there are: one that is dead now must show as down, not vanish.
	answered := make(map[int]*proto.WorkerStats, len(shot.Workers.Slots))
	for _, r := range c.server.poll.read() {
		answered[r.slot] = r.stats
	}
	for slot := range shot.Workers.Slots {
		r := reading{slot, answered[slot]}
		up.collect(&r, c.up, send)
		if r.stats == nil {
			continue
		}
		for i, f := range allWorkerFamilies {
			f.collect(r.stats, c.workers[i], send, strconv.Itoa(slot))
		}
	}
}
