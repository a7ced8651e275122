package ortc

import (
	"encoding/hex"

	"gazpacho/proto"
)

// Parameters of H264 (RFC 6184 section 8.1).
const (
	profileLevelID        = "profile-level-id"
	levelAsymmetryAllowed = "level-asymmetry-allowed"
)

// h264Profile is a profile as the profile-level-id tells it: one profile has several spellings.
type h264Profile int

const (
	constrainedBaseline h264Profile = iota + 1
	baseline
	main
	constrainedHigh
	high
	predictiveHigh444
)

// h264Level is a level_idc, 31 for level 3.1; 1b, between 1 and 1.1, has none of its own for the old profiles.
type h264Level uint8

const (
	level1  h264Level = 10
	level1b h264Level = 0
	level11 h264Level = 11
	level31 h264Level = 31
)

// h264Levels are those of H.264 table A-1.
var h264Levels = [...]h264Level{level1, level11, 12, 13, 20, 21, 22, 30, level31, 32, 40, 41, 42, 50, 51, 52}

// h264Format is what a profile-level-id means. Its three bytes, in hexadecimal, are those that follow the NAL unit header
// of a sequence parameter set (RFC 6184 section 8.1):
//
//	 0                   1                   2
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|  profile_idc  |0|1|2|3|4|5|0 0|   level_idc   |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	                 constraint_set flags: profile_iop
type h264Format struct {
	profile h264Profile
	level   h264Level
}

// profilePatterns are table 5 of RFC 6184 section 8.1, as far as browsers know it: profile_iop must equal iop in the
// bits of mask.
var profilePatterns = [...]struct {
	idc, mask, iop uint8
	profile        h264Profile
}{
	{0x42, 0b0100_1111, 0b0100_0000, constrainedBaseline},
	{0x4d, 0b1000_1111, 0b1000_0000, constrainedBaseline},
	{0x58, 0b1100_1111, 0b1100_0000, constrainedBaseline},
	{0x42, 0b0100_1111, 0b0000_0000, baseline},
	{0x58, 0b1100_1111, 0b1000_0000, baseline},
	{0x4d, 0b1010_1111, 0b0000_0000, main},
	{0x64, 0b1111_1111, 0b0000_0000, high},
	{0x64, 0b1111_1111, 0b0000_1100, constrainedHigh},
	{0xf4, 0b1111_1111, 0b0000_0000, predictiveHigh444},
}

// canonicalProfiles are profile_idc and profile_iop as we write them; the old profiles say 1b by constraint_set3_flag.
var canonicalProfiles = [...]struct{ idc, iop, iop1b uint8 }{
	constrainedBaseline: {0x42, 0xe0, 0xf0},
	baseline:            {0x42, 0x00, 0x10},
	main:                {0x4d, 0x00, 0x10},
	constrainedHigh:     {0x64, 0x0c, 0x0c},
	high:                {0x64, 0x00, 0x00},
	predictiveHigh444:   {0xf4, 0x00, 0x00},
}

// constraintSet3 tells level 1b from 1.1 (H.264 A.3.1).
const constraintSet3 = 0x10

// parseH264 reads a profile-level-id of three bytes in hexadecimal. It fails for profiles and levels it does not know.
func parseH264(id string) (h264Format, bool) {
	var b [3]byte
	if len(id) != 2*len(b) {
		return h264Format{}, false
	}
	if _, err := hex.Decode(b[:], []byte(id)); err != nil {
		return h264Format{}, false
	}
	level, ok := parseH264Level(b[1], b[2])
	if !ok {
		return h264Format{}, false
	}
	for _, p := range profilePatterns {
		if b[0] == p.idc && b[1]&p.mask == p.iop {
			return h264Format{p.profile, level}, true
		}
	}
	return h264Format{}, false
}

// parseH264Level reads level_idc, which means 1.1 or 1b by a flag of profile_iop.
func parseH264Level(iop, idc uint8) (h264Level, bool) {
	if h264Level(idc) == level11 && iop&constraintSet3 != 0 {
		return level1b, true
	}
	for _, l := range h264Levels {
		if l == h264Level(idc) {
			return l, true
		}
	}
	return 0, false
}

// String is the canonical profile-level-id.
func (f h264Format) String() string {
	p := canonicalProfiles[f.profile]
	b := [3]byte{p.idc, p.iop, uint8(f.level)}
	if f.level == level1b {
		b[1], b[2] = p.iop1b, uint8(level11)
	}
	return hex.EncodeToString(b[:])
}

// h264FormatOf is the format of a codec. Without a profile-level-id it is Constrained Baseline 3.1: RFC 6184 says
// Baseline 1, but what says nothing means what browsers meant before they said it.
func h264FormatOf(parameters proto.CodecParameters) (h264Format, bool) {
	if !hasH264Format(parameters) {
		return h264Format{constrainedBaseline, level31}, true
	}
	id, _ := parameters[profileLevelID].(string)
	return parseH264(id)
}

// hasH264Format tells whether a codec names its format; 0 and "" do not.
func hasH264Format(parameters proto.CodecParameters) bool {
	return !sameValue(orZero(parameters[profileLevelID]), 0)
}

// sameH264Profile tells whether two codecs have one profile. Profiles that we do not know are not the same as anything.
func sameH264Profile(a, b proto.CodecParameters) bool {
	x, ok := h264FormatOf(a)
	y, also := h264FormatOf(b)
	return ok && also && x.profile == y.profile
}

// answerH264 is the profile-level-id that a codec of ours answers an offer of the same profile with, "" for none if
// neither has one. RFC 6184 section 8.2.2: the level of an answer is not above the offer's unless both sides allow
// asymmetry; then each says what it can receive.
func answerH264(ours, offer proto.CodecParameters) string {
	if !hasH264Format(ours) && !hasH264Format(offer) {
		return ""
	}
	format, ok := h264FormatOf(ours)
	offered, also := h264FormatOf(offer)
	if !ok || !also {
		return ""
	}
	if !allowsAsymmetry(ours) || !allowsAsymmetry(offer) {
		format.level = lowerLevel(format.level, offered.level)
	}
	return format.String()
}

// allowsAsymmetry tells whether what a codec receives may have another level than what it sends.
func allowsAsymmetry(parameters proto.CodecParameters) bool {
	v := parameters[levelAsymmetryAllowed]
	return sameValue(v, 1) || v == "1"
}

// lowerLevel is the lower of two levels: 1, 1b, 1.1 and so on.
func lowerLevel(a, b h264Level) h264Level {
	if a == level1 || b == level1 { // since 1b, above it, is the smaller number
		return level1
	}
	return min(a, b)
}
