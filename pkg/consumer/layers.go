package consumer

import (
	"gazpacho/pkg/rtp"
	"gazpacho/pkg/stream"
	"gazpacho/proto"
)

// frameOf names the layer frame of a packet to the rewriter, which wants a timestamp. Those of one picture are told apart by adding 2^28 units, 50
// minutes, for each spatial layer: much longer than it remembers.
func frameOf(p *rtp.Packet) uint32 { return p.Timestamp + uint32(p.Frame.Spatial)<<28 }

// above tells whether a packet is of a spatial layer that was not forwarded where it belongs.
func above(p *rtp.Packet, o *stream.Offsets) bool {
	return o.Layers != 0 && p.Frame.Spatial >= o.Layers
}

// climb returns the temporal layer that is forwarded from the layer frame f on, which begins there, when is was forwarded until now and wish is the
// highest wished. Down goes at once. Up goes one layer at a time where a picture of that layer says that it refers to nothing that was left out, or
// all the way behind one that is forwarded and says so of those to come.
func climb(f *rtp.Frame, is, wish int) int {
	temporal := int(f.Temporal)
	switch {
	case f.KeyFrame, is >= wish:
		return wish
	case f.SwitchUp && temporal == is+1:
		is = temporal
	}
	if f.SwitchAfter && temporal <= is {
		return wish
	}
	return is
}

// layers makes the protocol's form of layers.
func layers(spatial, temporal int) *proto.ConsumerLayers {
	return &proto.ConsumerLayers{SpatialLayer: spatial, TemporalLayer: &temporal}
}

// limit takes preferred layers as far as there are such.
func limit(l *proto.ConsumerLayers, most stream.Layers) stream.Layers {
	prefers := stream.Layers{Spatial: min(l.SpatialLayer, most.Spatial), Temporal: most.Temporal}
	if l.TemporalLayer != nil {
		prefers.Temporal = min(*l.TemporalLayer, most.Temporal)
	}
	return prefers
}

// refused says why preferred layers cannot be taken, nil if they can.
func refused(l *proto.ConsumerLayers) *proto.Error {
	if l == nil {
		return nil
	}
	if l.SpatialLayer < 0 || l.TemporalLayer != nil && *l.TemporalLayer < 0 {
		return proto.BadField("preferredLayers", "layers are counted from 0")
	}
	return nil
}

// display is the layers being forwarded as the controller knows them; none if nothing is.
type display struct{ shown stream.Layers }

// show tells the controller when other layers are being forwarded.
func (d *display) show(c *Consumer, is stream.Layers) {
	if is == d.shown {
		return
	}
	d.shown = is
	var body proto.LayersChange
	if is.Spatial != none {
		body.Layers = layers(is.Spatial, is.Temporal)
	}
	c.notify(proto.EventConsumerLayersChange, body)
}

// dumpLayers shows the three stages of a switch: what is wished, what is waited for, what is sent.
func dumpLayers(d *proto.ConsumerDump, preferred, target, shown stream.Layers) {
	d.PreferredSpatialLayer, d.PreferredTemporalLayer = &preferred.Spatial, &preferred.Temporal
	d.TargetSpatialLayer, d.TargetTemporalLayer = &target.Spatial, &target.Temporal
	d.CurrentSpatialLayer, d.CurrentTemporalLayer = &shown.Spatial, &shown.Temporal
}
