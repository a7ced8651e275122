package transport

import (
	"gazpacho/pkg/ice"
	"gazpacho/proto"
)

// kind is a type of transport.
type kind uint8

const (
	kindWebRTC kind = iota
	kindPlain
	kindPipe
	kindDirect
	numKinds
)

var kindNames = [numKinds]string{kindWebRTC: "webrtc", kindPlain: "plain", kindPipe: "pipe", kindDirect: "direct"}

// condition is the state of a transport in one word, as far as anybody counts them.
type condition uint8

const (
	absent condition = iota // not there yet, or closed
	conditionNew
	conditionConnecting
	conditionConnected
	conditionDisconnected
	conditionFailed
	conditionEnded
	conditionOpen
	numConditions
)

var conditionNames = [numConditions]string{
	conditionNew: "new", conditionConnecting: "connecting", conditionConnected: "connected", conditionDisconnected: "disconnected",
	conditionFailed: "failed", conditionEnded: "ended", conditionOpen: "open",
}

// possible tells which conditions a kind of transport can be in.
func (k kind) possible(c condition) bool {
	return c != absent && (c == conditionOpen) == (k != kindWebRTC)
}

// conditions counts transports by kind and condition.
func (t *Totals) conditions() map[string]map[string]int {
	table := make(map[string]map[string]int, numKinds)
	for k := range numKinds {
		row := make(map[string]int, numConditions)
		for c := range numConditions {
			if k.possible(c) {
				row[conditionNames[c]] = t.transports[k][c]
			}
		}
		table[kindNames[k]] = row
	}
	return table
}

// become counts the transport where it belongs now.
func (m *media) become(now condition) {
	if now == m.condition {
		return
	}
	row := &m.env.Totals.transports[m.kind]
	if m.condition != absent {
		row[m.condition]--
	}
	if now != absent {
		row[now]++
	}
	m.condition = now
}

// appraise counts the transport by the worse of ICE and DTLS.
func (w *WebRTC) appraise() { w.become(w.state()) }

func (w *WebRTC) state() condition {
	switch w.dtlsState {
	case proto.DTLSFailed:
		return conditionFailed
	case proto.DTLSClosed:
		return conditionEnded
	}
	switch {
	case w.agent.State() == ice.New:
		return conditionNew
	case !w.reachable:
		return conditionDisconnected
	case w.dtlsState == proto.DTLSConnected:
		return conditionConnected
	default:
		return conditionConnecting
	}
}
