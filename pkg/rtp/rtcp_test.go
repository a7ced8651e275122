package rtp

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pion/rtcp"
)

// Packets of each kind, well-formed and minimal.
const (
	goldenSR = `81 c8 000c 11111111 ed9f1440 40000000 00015f90 00000064 0001e240
		22222222 40 ffffff 00010002 00000003 14404000 00008000`
	goldenRR   = `81 c9 0007 11111111 22222222 01 000005 00010002 00000003 14404000 00008000`
	goldenSDES = `82 ca 0006 11111111 01 04 6a6f686e 00 00 22222222 06 01 78 01 02 6173 00`
	goldenBYE  = `82 cb 0002 11111111 22222222`
	goldenNACK = `81 cd 0003 11111111 22222222 fffe 8001`
	goldenTCC  = `8f cd 0006 11111111 22222222 0005 0003 000102 07 2003 01 02 03 00 00 00`
	goldenPLI  = `81 ce 0002 11111111 22222222`
	goldenFIR  = `84 ce 0004 11111111 00000000 22222222 2a000000`
	goldenREMB = `8f ce 0005 11111111 00000000 52454d42 01 07a120 22222222`
	goldenXR   = `80 cf 0009 11111111 04 00 0002 ed9f1440 40000000 05 00 0003 22222222 14404000 00008000 2a 00 0000`
)

var goldenRTCP = map[RTCPKind]string{
	SenderReport: goldenSR, ReceiverReport: goldenRR, Description: goldenSDES, Goodbye: goldenBYE, NACK: goldenNACK,
	TransportCC: goldenTCC, PLI: goldenPLI, FIR: goldenFIR, REMB: goldenREMB, ExtendedReport: goldenXR,
	OtherRTCP: "80 cc 0002 11111111 6e616d65", // an application's
}

// parseOne reads a compound of one packet.
func parseOne(t testing.TB, raw []byte) RTCP {
	t.Helper()
	c, ok := ParseRTCP(raw)
	var p RTCP
	if !ok || !c.Next(&p) {
		t.Fatalf("refused %x", raw)
	}
	if c.Next(new(RTCP)) {
		t.Fatalf("more than one packet in %x", raw)
	}
	return p
}

func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for k := range NumRTCPKinds {
		p := parseOne(t, unhex(t, goldenRTCP[k]))
		if p.Kind != k {
			t.Errorf("%v was taken for %v", k, p.Kind)
		}
		if p.SenderSSRC() != 0x11111111 {
			t.Errorf("%v was sent by %x", k, p.SenderSSRC())
		}
		if seen[k.String()] || k.String() == "" {
			t.Errorf("name %q", k)
		}
		seen[k.String()] = true
	}
	if NumRTCPKinds.String() != "other" {
		t.Error("the number of kinds is none")
	}
	for _, k := range []RTCPKind{NACK, TransportCC, PLI} {
		if p := parseOne(t, unhex(t, goldenRTCP[k])); p.MediaSSRC() != 0x22222222 {
			t.Errorf("%v is about %x", k, p.MediaSSRC())
		}
	}
}

// Formats nobody here reads are well-formed and other.
func TestUnknownFormatsAreOther(t *testing.T) {
	for name, s := range map[string]string{
		"SLI":                                   "82 ce 0003 11111111 22222222 00000000",
		"TMMBR":                                 "83 cd 0004 11111111 00000000 22222222 00000000",
		"application feedback, not REMB":        "8f ce 0003 11111111 00000000 52454d43",
		"application feedback of nothing":       "8f ce 0002 11111111 00000000",
		"extended NACK of MPEG":                 "88 cd 0002 11111111 22222222",
		"packet type 194, obsolete":             "80 c2 0000",
		"feedback cut before the SSRC it is of": "9f ce 0000",
	} {
		if p := parseOne(t, unhex(t, s)); p.Kind != OtherRTCP {
			t.Errorf("%s was taken for %v", name, p.Kind)
		}
	}
}

// A view of one kind answers questions about another with nothing, and never beyond its bytes.
func TestViewsOfAnotherKindAreEmpty(t *testing.T) {
	for k, s := range goldenRTCP {
		p := parseOne(t, unhex(t, s))
		chunks, blocks, arrivals := p.Chunks(), p.Blocks(), p.Arrivals()
		_, isSR := p.SenderInfo()
		for name, c := range map[string]struct {
			got  bool
			kind []RTCPKind
		}{
			"sender info":   {isSR, []RTCPKind{SenderReport}},
			"report blocks": {p.ReportBlocks() > 0, []RTCPKind{SenderReport, ReceiverReport}},
			"chunks":        {chunks.Next(), []RTCPKind{Description}},
			"sources":       {p.Sources() > 0, []RTCPKind{Goodbye, REMB}},
			"pairs":         {p.NACKPairs() > 0, []RTCPKind{NACK}},
			"FIR entries":   {p.FIREntries() > 0, []RTCPKind{FIR}},
			"bitrate":       {p.REMBBitrate() > 0, []RTCPKind{REMB}},
			"blocks":        {blocks.Next(), []RTCPKind{ExtendedReport}},
			"arrivals":      {arrivals.Next(), []RTCPKind{TransportCC}},
		} {
			want := false
			for _, kind := range c.kind {
				want = want || kind == k
			}
			if c.got != want {
				t.Errorf("%v has %s: %v", k, name, c.got)
			}
		}
	}
}

// RFC 3550 section 6.1 wants a report first; RFC 5506 section 3.4.2 allows to leave it out.
func TestCompoundIsReadInOrder(t *testing.T) {
	order := []RTCPKind{PLI, SenderReport, Description, TransportCC, ExtendedReport, NACK, REMB, Goodbye}
	var raw []byte
	for _, k := range order {
		raw = append(raw, unhex(t, goldenRTCP[k])...)
	}
	c, ok := ParseRTCP(raw)
	if !ok {
		t.Fatal("refused")
	}
	var p RTCP
	var whole []byte
	for _, k := range order {
		if !c.Next(&p) || p.Kind != k {
			t.Fatalf("read %v, want %v", p.Kind, k)
		}
		whole = append(whole, p.Raw...)
	}
	if c.Next(&p) || !bytes.Equal(whole, raw) {
		t.Error("the packets are not the datagram")
	}
}

func TestCompoundRefuses(t *testing.T) {
	for name, s := range map[string]string{
		"nothing":                       "",
		"half a header":                 "80 c9",
		"version 1":                     "40 c9 0001 11111111",
		"version 3":                     "c0 c9 0001 11111111",
		"longer than the datagram":      "80 c9 0002 11111111",
		"bytes behind the last":         goldenPLI + "80",
		"a malformed second":            goldenPLI + "81 ce 0001 11111111",
		"padding of length 0":           "a0 c9 0002 11111111 00000000",
		"padding into the header":       "a0 c9 0001 000000 05",
		"padding bit without padding":   "a0 c9 0000",
		"RR without an SSRC":            "80 c9 0000",
		"RR with a block too few":       "82" + goldenRR[2:],
		"RR with padding into a block":  "a1 c9 0007 11111111 22222222 01 000005 00010002 00000003 14404000 00000004",
		"SR without its info":           "80 c8 0001 11111111",
		"SR with a block too few":       "82" + goldenSR[2:],
		"SDES with a chunk too few":     "83" + goldenSDES[2:],
		"SDES without an end":           "81 ca 0002 11111111 01 02 6161",
		"SDES item cut in its length":   "81 ca 0002 11111111 01 01 61 01",
		"SDES item longer than packet":  "81 ca 0002 11111111 01 03 6161",
		"SDES chunk of nothing":         "81 ca 0000",
		"SDES chunk without items":      "81 ca 0001 11111111",
		"BYE with a source too few":     "83" + goldenBYE[2:],
		"NACK of nothing":               "81 cd 0002 11111111 22222222",
		"NACK without SSRCs":            "81 cd 0001 11111111",
		"NACK of half a pair":           "a1 cd 0003 11111111 22222222 0001 0002",
		"PLI without a source":          "81 ce 0001 11111111",
		"FIR of nobody":                 "84 ce 0002 11111111 00000000",
		"FIR of half an entry":          "84 ce 0003 11111111 00000000 22222222",
		"REMB with a source too few":    strings.Replace(goldenREMB, "01 07a120", "02 07a120", 1),
		"REMB with a source too many":   strings.Replace(goldenREMB, "01 07a120", "00 07a120", 1),
		"REMB without a bitrate":        "8f ce 0003 11111111 00000000 52454d42",
		"XR without an SSRC":            "80 cf 0000",
		"XR block longer than packet":   "80 cf 0002 11111111 2a 00 0001",
		"XR reference time too short":   "80 cf 0003 11111111 04 00 0001 00000000",
		"XR delays not of three words":  "80 cf 0004 11111111 05 00 0002 00000000 00000000",
		"XR with half a block":          "a0 cf 0002 11111111 00 00 00 02",
		"transport-cc without its head": "8f cd 0003 11111111 22222222 0005 0003",
		"transport-cc about nothing":    "8f cd 0006 11111111 22222222 0005 0000 000102 07 2003 01 02 03 00 00 00",
	} {
		if _, ok := ParseRTCP(unhex(t, s)); ok {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCompoundOfTooManyPackets(t *testing.T) {
	pli := unhex(t, goldenPLI)
	many := bytes.Repeat(pli, MaxRTCPPackets+1)
	for _, tt := range []struct {
		b    []byte
		want bool
	}{
		{nil, false}, {pli, false}, {many[:len(many)-len(pli)], false}, {many, true}, {append(many, 1), true}, {many[:len(many)-1], false},
	} {
		if TooManyRTCP(tt.b) != tt.want {
			t.Errorf("%d bytes: want %v", len(tt.b), tt.want)
		}
	}
	if _, ok := ParseRTCP(bytes.Repeat(pli, MaxRTCPPackets)); !ok {
		t.Error("32 packets refused")
	}
	if _, ok := ParseRTCP(bytes.Repeat(pli, MaxRTCPPackets+1)); ok {
		t.Error("33 packets accepted")
	}
}

// A compound cut anywhere but between packets is refused as a whole.
func TestCompoundCutAnywhere(t *testing.T) {
	for k, s := range goldenRTCP {
		raw := unhex(t, s)
		for n := 1; n < len(raw); n++ {
			if _, ok := ParseRTCP(raw[:n]); ok {
				t.Errorf("%v cut to %d bytes: accepted", k, n)
			}
			if n%4 != 0 {
				continue
			}
			// The same with a length that agrees: what is inside has to notice, or be well-formed by chance.
			cut := bytes.Clone(raw[:n])
			cut[2], cut[3] = 0, byte(n/4-1)
			c, ok := ParseRTCP(cut)
			if ok {
				var p RTCP
				c.Next(&p)
				read(&p)
			}
			if ok && k != OtherRTCP && k != ExtendedReport && k != REMB {
				t.Errorf("%v shortened to %d bytes: accepted", k, n)
			}
		}
	}
}

// read looks at everything a packet has.
func read(p *RTCP) (n int) {
	p.SenderSSRC()
	p.MediaSSRC()
	p.SenderInfo()
	p.REMBBitrate()
	for i := range p.ReportBlocks() {
		p.ReportBlock(i)
		n++
	}
	for i := range p.Sources() {
		p.Source(i)
		n++
	}
	for i := range p.NACKPairs() {
		n += len(p.NACKPair(i).Sequences(new([17]uint16)))
	}
	for i := range p.FIREntries() {
		p.FIREntry(i)
		n++
	}
	for c := p.Chunks(); c.Next(); n++ {
	}
	for b := p.Blocks(); b.Next(); n++ {
		b.ReferenceTime()
		for i := range b.Delays() {
			b.Delay(i)
		}
	}
	for a := p.Arrivals(); a.Next(); n++ {
	}
	return n
}

func TestPaddingIsNotContent(t *testing.T) {
	padded := unhex(t, "a1 c9 0008 11111111 22222222 01 000005 00010002 00000003 14404000 00008000 00000004")
	p := parseOne(t, append(padded[:len(padded):len(padded)], nil...))
	if p.ReportBlocks() != 1 || p.ReportBlock(0).Delay != 0x8000 || len(p.Raw) != len(padded) {
		t.Errorf("%d blocks", p.ReportBlocks())
	}
	nack := parseOne(t, unhex(t, "a1 cd 0004 11111111 22222222 0001 0002 00000004"))
	if nack.NACKPairs() != 1 {
		t.Errorf("padding counted as %d pairs", nack.NACKPairs())
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	var raw []byte
	for k := range NumRTCPKinds {
		raw = append(raw, unhex(t, goldenRTCP[k])...)
	}
	items := 0
	if n := testing.AllocsPerRun(100, func() {
		c, ok := ParseRTCP(raw)
		if !ok {
			t.Fatal("refused")
		}
		items = 0
		var p RTCP
		for c.Next(&p) {
			items += read(&p)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	// 2 report blocks, 2 chunks, 3 sources, 3 lost packets, 1 FIR, 3 XR blocks, 3 arrivals.
	if items != 17 {
		t.Errorf("read %d items", items)
	}
}

func FuzzRTCP(f *testing.F) {
	var all []byte
	for _, s := range goldenRTCP {
		f.Add(unhex(f, s))
		all = append(all, unhex(f, s)...)
	}
	f.Add(all)
	f.Add(unhex(f, "8f cd 0006 11111111 22222222 ffff 0010 ffffff ff bfff d555 05 06 07 08 09 0a 0b 0c"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, ok := ParseRTCP(raw)
		if !ok {
			refusedRightly(t, raw)
			return
		}
		var p RTCP
		total := 0
		for c.Next(&p) {
			total += len(p.Raw)
			read(&p)
			packets, err := rtcp.Unmarshal(p.Raw)
			// pion takes padding for content.
			if err == nil && len(packets) == 1 && p.Raw[0]&0x20 == 0 {
				compare(t, &p, packets[0])
			}
		}
		if total != len(raw) {
			t.Fatalf("read %d of %d bytes", total, len(raw))
		}
	})
}

// refusedRightly compares a refusal with pion, which takes padding for content, reports blocks that are cut off although "block length"
// counts what is there (RFC 3611 section 3), and transport-wide feedback about no packet or with reserved symbols.
func refusedRightly(t *testing.T, raw []byte) {
	t.Helper()
	packets, err := rtcp.Unmarshal(raw)
	if err != nil || len(packets) > MaxRTCPPackets {
		return
	}
	for rest := raw; len(rest) > 0; {
		p, size := cut(rest)
		if size == 0 || !p.wellFormed() {
			if rest[0]&0x20 != 0 || p.Kind == ExtendedReport || p.Kind == TransportCC {
				return
			}
			t.Fatalf("refused %x, pion reads %v", rest, packets)
		}
		rest = rest[size:]
	}
}
