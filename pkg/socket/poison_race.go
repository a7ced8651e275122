//go:build race

package socket

// poison overwrites packets on release. Builds with the race detector are test builds.
const poison = true
