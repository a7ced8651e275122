// Package simtest is a virtual network, a worker in the test's process, and WebRTC peers made of pion, for tests of the whole path.
package simtest
