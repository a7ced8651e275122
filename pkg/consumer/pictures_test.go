package consumer

import (
	"testing"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/stream"
)

// Picture ids stay continuous over what is left out and over joins, and keep room for what never came.
func TestPictures(t *testing.T) {
	type step struct {
		do        string // join, send or drop
		picture   uint16 // as it comes
		tl0       uint8
		timestamp uint32
		wantID    uint16 // as it goes out
		wantTL0   uint8
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"as they come", []step{{"join", 7, 3, 0, 7, 3}, {"send", 7, 3, 0, 7, 3}, {"send", 8, 4, 1, 8, 4}}},
		{"one left out", []step{
			{"join", 7, 3, 0, 7, 3}, {"send", 7, 3, 0, 7, 3}, {"drop", 8, 3, 1, 0, 0}, {"drop", 8, 3, 1, 0, 0}, {"send", 9, 4, 2, 8, 4},
		}},
		{"two left out in a row", []step{
			{"join", 7, 3, 0, 7, 3}, {"send", 7, 3, 0, 7, 3}, {"drop", 8, 3, 1, 0, 0}, {"drop", 9, 3, 2, 0, 0}, {"send", 10, 4, 3, 8, 4},
		}},
		{"two with one timestamp, sent between", []step{ // a publisher whose clock stands still
			{"join", 7, 3, 0, 7, 3}, {"send", 7, 3, 0, 7, 3}, {"drop", 8, 3, 1, 0, 0}, {"send", 9, 4, 1, 8, 4}, {"drop", 10, 4, 1, 0, 0}, {"send", 11, 5, 2, 9, 5},
		}},
		{"another stream", []step{
			{"join", 7, 3, 0, 7, 3}, {"send", 7, 3, 0, 7, 3}, {"join", 900, 200, 5, 8, 4}, {"send", 900, 200, 5, 8, 4}, {"send", 901, 201, 6, 9, 5},
		}},
		{"another stream behind one that was left out", []step{
			{"join", 7, 3, 0, 7, 3},
			{"send", 7, 3, 0, 7, 3},
			{"drop", 8, 3, 1, 0, 0},
			{"join", 900, 200, 1, 8, 4},
			{"send", 900, 200, 1, 8, 4},
			{"drop", 901, 200, 1, 0, 0},
			{"send", 902, 201, 2, 9, 5},
		}},
		{"another stream behind one that never came", []step{ // 8 is missing, and may still come: it was a picture of the base
			{"join", 7, 3, 0, 7, 3}, {"send", 7, 3, 0, 7, 3}, {"drop", 9, 4, 2, 0, 0}, {"join", 900, 200, 5, 9, 5},
		}},
		{"over the end of the numbers", []step{
			{"join", 32767, 255, 0, 32767, 255}, {"send", 32767, 255, 0, 32767, 255}, {"send", 0, 0, 1, 0, 0}, {"join", 32767, 255, 5, 1, 1},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s pictures
			var o stream.Offsets
			for i, st := range tt.steps {
				p := &rtp.Packet{Timestamp: st.timestamp, Frame: rtp.Frame{HasPictureID: true, HasTL0PICIDX: true, PictureID: st.picture, TL0PICIDX: st.tl0}}
				switch st.do {
				case "join":
					s.join(p, &o)
				case "send":
					s.sent(p, &o)
				case "drop":
					s.dropped(p, &o, true)
					continue
				}
				if id, tl0 := (st.picture+o.PictureID)&0x7fff, st.tl0+o.TL0PICIDX; id != st.wantID || tl0 != st.wantTL0 {
					t.Errorf("step %d: picture %d, tl0 %d, want %d, %d", i, id, tl0, st.wantID, st.wantTL0)
				}
			}
		})
	}
}

// What has no picture ids changes none.
func TestPicturesWithoutIDs(t *testing.T) {
	var s pictures
	var o stream.Offsets
	none := &rtp.Packet{}
	s.join(none, &o)
	s.sent(none, &o)
	s.dropped(none, &o, true)
	s.join(none, &o)
	if o != (stream.Offsets{}) || s.started {
		t.Errorf("%+v, %+v", o, s)
	}
	// Without TL0PICIDX the other one is kept alone.
	only := &rtp.Packet{Frame: rtp.Frame{HasPictureID: true, PictureID: 5}}
	s.sent(only, &o)
	s.dropped(&rtp.Packet{Timestamp: 9, Frame: rtp.Frame{HasPictureID: true, PictureID: 6}}, &o, true)
	if 7+o.PictureID != 6 {
		t.Errorf("%+v", o)
	}
}
