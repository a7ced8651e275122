package worker

import (
	"net/netip"
	"testing"

	"gazpacho/proto"
)

// What has another name is found by it, and called by it; the rest stays as it is.
func TestMediaAliases(t *testing.T) {
	p, wrong := planTURN(&proto.TURNSettings{
		Realm: "r", RelayAddresses: []string{"127.0.0.1"}, MediaPorts: []string{"203.0.113.9:40000=10.0.0.5:40000", "10.0.0.5:40001"},
	})
	if wrong != nil {
		t.Fatal(wrong.err)
	}
	var m mediaAliases
	m.set(p.mediaAt)
	name, place, other := netip.MustParseAddrPort("203.0.113.9:40000"), netip.MustParseAddrPort("10.0.0.5:40000"), netip.MustParseAddrPort("10.0.0.5:40001")
	if m.placeOf(name) != place || m.nameOf(place) != name || m.placeOf(other) != other || m.nameOf(other) != other {
		t.Errorf("%v is at %v, %v is called %v", name, m.placeOf(name), place, m.nameOf(place))
	}
	if len(p.media) != 2 || p.media[0] != name || p.media[1] != other {
		t.Errorf("media is %v", p.media)
	}
	for _, text := range []string{"203.0.113.9:40000=", "=10.0.0.5:40000", "203.0.113.9=10.0.0.5", "a=b=c"} {
		if _, wrong := planTURN(&proto.TURNSettings{Realm: "r", RelayAddresses: []string{"127.0.0.1"}, MediaPorts: []string{text}}); wrong == nil || wrong.path != "mediaPorts" {
			t.Errorf("%q is taken", text)
		}
	}
	if n := testing.AllocsPerRun(100, func() { m.placeOf(m.nameOf(place)) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
