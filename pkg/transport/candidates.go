package transport

import (
	"gazpacho/pkg/ice"
	"gazpacho/pkg/tuple"
	"gazpacho/proto"
)

// candidates lists the addresses peers may try, best first within each protocol.
func candidates(locals []Local, o *proto.WebRTCTransportOptions, udp, tcp bool) []proto.ICECandidate {
	list := []proto.ICECandidate{}
	for i, l := range locals {
		if (l.Protocol == tuple.UDP && !udp) || (l.Protocol == tuple.TCP && !tcp) {
			continue
		}
		preferred := (l.Protocol == tuple.UDP && o.PreferUDP) || (l.Protocol == tuple.TCP && o.PreferTCP)
		priority := ice.Priority(i, preferred)
		bound := l.Address.Addr().String()
		if l.Info.AnnouncedAddress == "" {
			list = append(list, candidate(l, bound, priority))
			continue
		}
		list = append(list, candidate(l, l.Info.AnnouncedAddress, priority))
		if l.Info.ExposeInternalIP {
			list = append(list, candidate(l, bound, ice.InternalPriority(priority)))
		}
	}
	return list
}

func candidate(l Local, address string, priority uint32) proto.ICECandidate {
	c := proto.ICECandidate{
		Foundation: ice.Foundation(l.Protocol),
		Priority:   priority,
		IP:         address,
		Address:    address,
		Protocol:   l.Protocol.String(),
		Port:       l.Address.Port(),
		Type:       "host",
	}
	if l.Protocol == tuple.TCP {
		c.TCPType = "passive"
	}
	return c
}

// shownTuple is how a tuple's own end is shown: as announced.
func shownTuple(locals []Local, t tuple.Tuple) proto.TransportTuple {
	address := t.Local.Addr().String()
	for _, l := range locals {
		if l.Protocol == t.Protocol && l.Address == t.Local && l.Info.AnnouncedAddress != "" {
			address = l.Info.AnnouncedAddress
			break
		}
	}
	shown := proto.TransportTuple{
		LocalIP: address, LocalAddress: address, LocalPort: t.Local.Port(), Protocol: t.Protocol.String(),
	}
	if t.Remote.IsValid() {
		shown.RemoteIP, shown.RemotePort = t.Remote.Addr().String(), t.Remote.Port()
	}
	return shown
}
