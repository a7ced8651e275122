//go:build !race

package socket

const poison = false
