package router

import (
	"cmp"
	"maps"
	"slices"

	"gazpacho/proto"
)

// dump shows the router as router.dump does, everything sorted.
func (r *Router) dump() proto.RouterDump {
	d := proto.RouterDump{
		ID:                               r.id,
		TransportIDs:                     sortedKeys(r.transports),
		RTPObserverIDs:                   sortedKeys(r.observers),
		MapProducerIDConsumerIDs:         []proto.KeyValues{},
		MapConsumerIDProducerID:          []proto.KeyValue{},
		MapProducerIDObserverIDs:         []proto.KeyValues{},
		MapDataProducerIDDataConsumerIDs: []proto.KeyValues{},
		MapDataConsumerIDDataProducerID:  []proto.KeyValue{},
	}
	for _, id := range sortedKeys(r.producers) {
		s := r.producers[id]
		d.MapProducerIDConsumerIDs = append(d.MapProducerIDConsumerIDs, proto.KeyValues{Key: id, Values: sorted(s.consumers)})
		if len(s.observers) > 0 {
			d.MapProducerIDObserverIDs = append(d.MapProducerIDObserverIDs, proto.KeyValues{Key: id, Values: sorted(s.observers)})
		}
	}
	for _, id := range sortedKeys(r.consumers) {
		d.MapConsumerIDProducerID = append(d.MapConsumerIDProducerID, proto.KeyValue{Key: id, Value: r.consumers[id].producerID})
	}
	r.dumpData(&d)
	return d
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.AppendSeq(make([]string, 0, len(m)), slices.Values(slices.Sorted(maps.Keys(m))))
}

func sorted[E cmp.Ordered](s []E) []E {
	s = append([]E{}, s...)
	slices.Sort(s)
	return s
}
