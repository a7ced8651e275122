// Package archtest holds the architecture of the house as tests: which package imports which, which
// ones are pure, and how large files and functions may grow.
package archtest
