//go:build !linux

package main

// releaseFile is for Linux.
func releaseFile() {}
