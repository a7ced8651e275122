//go:build !linux

package turn

import (
	"testing"
	"time"
)

// threadTime is not known here.
func threadTime(testing.TB) time.Duration { return 0 }
