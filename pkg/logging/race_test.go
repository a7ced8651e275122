//go:build race

package logging

const raceDetector = true
