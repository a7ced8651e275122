package rtp

import "time"

// ntpUnixOffset is the time from 1900, where NTP starts, to 1970 in seconds (RFC 868).
const ntpUnixOffset = 2208988800

// NTP converts a time to the 64-bit NTP format: seconds since 1900 in the upper half, fractions of 2^-32 s in the lower
// (RFC 3550 section 4). It wraps in 2036.
func NTP(t time.Time) uint64 {
	seconds := uint64(t.Unix()+ntpUnixOffset) << 32
	return seconds | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// NTPTime converts the 64-bit NTP format to the nearest nanosecond. Times with the top bit clear are taken to be of the
// era that begins in 2036 (RFC 4330 section 3).
func NTPTime(ntp uint64) time.Time {
	seconds := int64(ntp >> 32)
	if ntp>>63 == 0 {
		seconds += 1 << 32
	}
	nanoseconds := ((ntp&0xffffffff)*uint64(time.Second) + 1<<31) >> 32
	return time.Unix(seconds-ntpUnixOffset, int64(nanoseconds))
}

// CompactNTP is the middle 32 bits of a 64-bit NTP time, in units of 2^-16 s (RFC 3550 section 4).
func CompactNTP(ntp uint64) uint32 { return uint32(ntp >> 16) }

// CompactDuration converts a duration to units of 2^-16 s, as report blocks carry delays. Negative ones become 0 and those
// that do not fit the largest value.
func CompactDuration(d time.Duration) uint32 {
	switch {
	case d <= 0:
		return 0
	case d >= 1<<16*time.Second:
		return 1<<32 - 1
	}
	return uint32(uint64(d) << 16 / uint64(time.Second))
}

// DurationOfCompact converts units of 2^-16 s to a duration.
func DurationOfCompact(units uint32) time.Duration {
	return time.Duration(uint64(units) * uint64(time.Second) >> 16)
}

// RoundTrip computes the round-trip time from a report block that arrived at the compact NTP time arrival:
// "RTT = A - DLSR - LSR" (RFC 3550 section 6.4.1; RFC 3611 section 4.5). It returns false when the block carries no time yet,
// or when clocks that drift make the result negative.
func RoundTrip(arrival, lastSR, delay uint32) (time.Duration, bool) {
	d := arrival - delay - lastSR
	if lastSR == 0 || d >= 1<<31 {
		return 0, false
	}
	return DurationOfCompact(d), true
}

// AbsSendTime is the time in the 24-bit format of the abs-send-time extension: seconds modulo 64 in 6.18 fixed point.
func AbsSendTime(t time.Time) uint32 {
	return uint32(NTP(t)>>14) & 0xffffff
}
