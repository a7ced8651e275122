package worker_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Nothing that a worker started outlives it: readers, islands, the channel.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
