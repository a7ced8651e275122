package admin

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"gazpacho/proto"
)

const (
	prefix      = "gazpacho_"
	workerLabel = "worker" // the number of its slot
	maxReasons  = 128      // values of one label that are told apart; there are fewer, unless a worker has gone mad
	microsecond = 1e-6
)

// What a family can be.
const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

// family is one row of a table of metrics: how it is called, what it means, and how it is read from an S.
type family[S any] struct {
	name, kind, help string
	labels           []string // besides workerLabel, which collect adds
	read             func(s *S, put put)
	buckets          func(s *S) []uint64 // of histograms: counts by class of proto.TurnBounds; read gives the sum
}

// put takes one value, with the values of the family's labels.
type put func(value float64, labels ...string)

// The constructors of rows. Maps become series: one for each key.

// count is a counter without labels.
func count[S any](name, help string, read func(*S) uint64) family[S] {
	return family[S]{name: name, kind: counter, help: help, read: func(s *S, put put) { put(float64(read(s))) }}
}

// state is a gauge without labels.
func state[S any](name, help string, read func(*S) int) family[S] {
	return family[S]{name: name, kind: gauge, help: help, read: func(s *S, put put) { put(float64(read(s))) }}
}

// countBy is a counter for each key of a map.
func countBy[S any](name, label, help string, read func(*S) map[string]uint64) family[S] {
	return family[S]{name: name, kind: counter, help: help, labels: []string{label}, read: func(s *S, put put) { spread(read(s), put) }}
}

// bothWays has a series for what was received and one for what was sent.
func bothWays[S any](name, help string, received, sent func(*S) uint64) family[S] {
	return family[S]{name: name, kind: counter, help: help, labels: []string{"direction"}, read: func(s *S, put put) {
		put(float64(received(s)), "received")
		put(float64(sent(s)), "sent")
	}}
}

// microseconds become seconds, the base unit.
func microseconds[S any](name, kind, help string, read func(*S) uint64) family[S] {
	return family[S]{name: name, kind: kind, help: help, read: func(s *S, put put) { put(float64(read(s)) * microsecond) }}
}

// spread puts a series for each key, behind the labels given. Keys beyond maxReasons are one, "other".
func spread[V int | uint64](m map[string]V, put put, labels ...string) {
	keys := slices.SortedFunc(maps.Keys(m), cmp.Compare)
	for _, k := range keys[:min(len(keys), maxReasons)] {
		put(float64(m[k]), append(slices.Clip(labels), strings.ToValidUTF8(k, "?"))...)
	}
	if len(keys) <= maxReasons {
		return
	}
	var rest V
	for _, k := range keys[maxReasons:] {
		rest += m[k]
	}
	put(float64(rest), append(slices.Clip(labels), "other")...)
}

// desc is how Prometheus knows the family; extra labels come first.
func (f family[S]) desc(extra ...string) *prometheus.Desc {
	return prometheus.NewDesc(prefix+f.name, f.help, append(extra, f.labels...), nil)
}

// collect sends the metrics of one S.
func (f family[S]) collect(s *S, desc *prometheus.Desc, send chan<- prometheus.Metric, extra ...string) {
	f.read(s, func(value float64, labels ...string) {
		labels = append(slices.Clip(extra), labels...)
		switch f.kind {
		case counter:
			send <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, value, labels...)
		case gauge:
			send <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
		case histogram:
			n, buckets := cumulate(f.buckets(s))
			send <- prometheus.MustNewConstHistogram(desc, n, value, buckets, labels...)
		}
	})
}

// cumulate makes of the counts of classes what Prometheus calls buckets, by their upper bounds in seconds, and the count of all.
func cumulate(classes []uint64) (uint64, map[float64]uint64) {
	var n uint64
	buckets := make(map[float64]uint64, len(proto.TurnBounds))
	for i, bound := range proto.TurnBounds {
		if i < len(classes) {
			n += classes[i]
		}
		buckets[float64(bound)/1e6] = n // the nearest number to how people write it: 0.0025, not 2500 * 1e-6
	}
	for _, c := range classes[min(len(classes), len(proto.TurnBounds)):] {
		n += c
	}
	return n, buckets
}
