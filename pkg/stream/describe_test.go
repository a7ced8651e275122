package stream

import (
	"reflect"
	"testing"

	"gazpacho/pkg/rtp"
)

func TestDescribePacket(t *testing.T) {
	ids := rtp.ExtensionIDs{rtp.ExtMID: 1, rtp.ExtRID: 2, rtp.ExtRepairedRID: 3, rtp.ExtTransportCC: 5}
	raw := []byte{
		0x90, 0xe0, 0x01, 0x02, 0, 0, 0, 7, 0, 0, 0, 9, 0xbe, 0xde, 0, 3,
		0x10, '0', 0x21, 'h', 'i', 0x31, 'l', 'o', 0x51, 0xab, 0xcd, 0, // MID, RID, repaired RID, transport-wide number
		1, 2, 3,
	}
	var p rtp.Packet
	if !p.Parse(raw) {
		t.Fatal("not a packet")
	}
	p.Resolve(&ids)
	p.Frame = rtp.Frame{KeyFrame: true, Spatial: 1, Temporal: 2}
	want := map[string]any{
		"payloadType": uint8(96), "sequenceNumber": uint16(0x102), "timestamp": uint32(7), "marker": true, "ssrc": uint32(9),
		"isKeyFrame": true, "size": len(raw), "payloadSize": 3, "spatialLayer": uint8(1), "temporalLayer": uint8(2),
		"mid": "0", "rid": "hi", "rrid": "lo", "wideSequenceNumber": uint16(0xabcd),
	}
	if got := DescribePacket(&p); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	// What a packet does not say is not told.
	if !p.Parse([]byte{0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}) {
		t.Fatal("not a packet")
	}
	p.Resolve(&ids)
	for _, key := range []string{"mid", "rid", "rrid", "wideSequenceNumber"} {
		if v, told := DescribePacket(&p)[key]; told {
			t.Errorf("%s is %v", key, v)
		}
	}
}
