// Package e2e holds the tests that start the real binaries and drive Chromium.
package e2e
