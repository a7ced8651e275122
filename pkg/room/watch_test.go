package room

import (
	"testing"
	"testing/synctest"
	"time"

	"gazpacho/proto"
)

// A client whose media path is dead is asked whether it is there, and has the grace to repair it.
func TestDeadPath(t *testing.T) {
	type step struct {
		after time.Duration
		ice   string
		dtls  string
	}
	for name, tt := range map[string]struct {
		steps  []step
		probes string
		goneAt time.Duration // 0: stays
	}{
		"works":           {steps: []step{{ice: proto.ICEConnected}, {ice: proto.ICECompleted}, {dtls: proto.DTLSConnected}}},
		"ICE disconnects": {steps: []step{{ice: proto.ICECompleted}, {ice: proto.ICEDisconnected}}, probes: "probe", goneAt: DefaultMediaGrace},
		"ICE closes":      {steps: []step{{ice: proto.ICEClosed}}, probes: "probe", goneAt: DefaultMediaGrace},
		"DTLS fails":      {steps: []step{{dtls: proto.DTLSConnecting}, {dtls: proto.DTLSFailed}}, probes: "probe", goneAt: DefaultMediaGrace},
		"DTLS closes":     {steps: []step{{dtls: proto.DTLSClosed}}, probes: "probe", goneAt: DefaultMediaGrace},
		"is repaired":     {steps: []step{{ice: proto.ICEDisconnected}, {after: DefaultMediaGrace - 1, ice: proto.ICEConnected}}, probes: "probe"},
		"asked only once": {steps: []step{{ice: proto.ICEDisconnected}, {after: time.Second, dtls: proto.DTLSClosed}}, probes: "probe", goneAt: DefaultMediaGrace},
		"dies a second time": {
			steps:  []step{{ice: proto.ICEDisconnected}, {after: time.Second, ice: proto.ICECompleted}, {after: time.Second, ice: proto.ICEDisconnected}},
			probes: "probe probe", goneAt: 2*time.Second + DefaultMediaGrace,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, clients := bare(t, "a", "b")
				start := time.Now()
				w := &watch{peer: r.peers["a"]}
				for _, s := range tt.steps {
					time.Sleep(s.after)
					if s.ice != "" {
						w.iceState(s.ice)
					} else {
						w.dtlsState(s.dtls)
					}
				}
				for range 100 {
					time.Sleep(time.Second / 4)
					synctest.Wait()
					if clients["a"].closed() != 0 {
						break
					}
				}
				gone := clients["a"].closed() != 0
				if gone != (tt.goneAt != 0) || (gone && time.Since(start).Round(time.Second) != tt.goneAt) {
					t.Errorf("gone %t after %v, want %v", gone, time.Since(start), tt.goneAt)
				}
				if gone && (clients["a"].closed() != CloseMediaLost || clients["b"].take() != `peerClosed{"peerId":"a"}`) {
					t.Errorf("closed with %d", clients["a"].closed())
				}
				if got := clients["a"].take(); got != tt.probes {
					t.Errorf("told %q, want %q", got, tt.probes)
				}
			})
		})
	}
}

// Who has left is not waited for.
func TestDeadPathOfOneWhoLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, clients := bare(t, "a", "b")
		p := r.peers["a"]
		w := &watch{peer: p}
		p.transports["t"] = &transport{watch: w, closed: true}
		w.iceState(proto.ICEDisconnected)
		r.mu.Lock()
		r.part(p)
		r.mu.Unlock()
		if w.timer != nil {
			t.Error("the grace runs on")
		}
		w.iceState(proto.ICEDisconnected) // its transports are closing
		w.over()
		if w.timer != nil || clients["a"].closed() != 0 {
			t.Error("it is watched on")
		}
	})
}
