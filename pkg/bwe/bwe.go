// Package bwe estimates bandwidth from TWCC/REMB, and makes that feedback.
//
// A transport that receives uses one of two: a Feedback when its peer numbers packets across streams, so that the peer
// estimates; an Estimator when the peer only stamps the time of sending. Beside a Feedback, a Limit tells the peer of a ceiling
// that the application set.
package bwe

import "time"

// Send takes one RTCP packet that may go out as it is. It borrows the bytes.
type Send func(now time.Time, rtcp []byte)
